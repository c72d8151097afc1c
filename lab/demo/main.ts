/** `npm run demo`: a point of presence under attack, before and with Seawall. */
import { readOptions, USAGE } from './options.ts'
import { view } from './picture.ts'
import { broken } from './promise.ts'
import { report, requireRoot } from './report.ts'
import { buildScene } from './scene.ts'
import { Screen } from './screen.ts'
import { Story } from './story.ts'
import { svg } from './svg.ts'
import { sentences, table } from './table.ts'

const INTRODUCTION = `A small point of presence in network namespaces: clients and a botnet behind a router, an edge with NSD and nginx.
Good clients: dnsperf and curl, over IPv4 and IPv6. Attack: UDP reflection, junk UDP, two DNS floods, fragments, SYN flood.`

const scenes: Readonly<Record<string, () => Promise<{ main(args: readonly string[]): Promise<number> }>>> = {
  balancer: () => import('./balancer/main.ts'),
  dispatch: () => import('./dispatch/main.ts'),
}

async function main(args: readonly string[]): Promise<number> {
  const other = scenes[args[0] ?? '']
  if (other !== undefined) return (await other()).main(args.slice(1))
  const options = readOptions(args)
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  requireRoot()
  const screen = new Screen(process.stdout, view)
  screen.say(INTRODUCTION)
  const scene = await buildScene()
  const story = new Story(scene, options, (timeline) => screen.update(timeline))
  try {
    await story.play()
  } finally {
    await scene.close()
  }
  const { timeline, phases } = story
  return report(screen, options, {
    text: `${table(phases)}\n${sentences(phases).join('\n')}`,
    broken: broken(phases),
    figures: { phases },
    svg: () => svg(timeline, phases),
  })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
