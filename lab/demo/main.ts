/** `npm run demo`: a point of presence under attack, before and with Seawall. */
import { writeFileSync } from 'node:fs'
import { requireCapabilities } from '../../src/linux/capabilities.ts'
import { readOptions, USAGE } from './options.ts'
import { view } from './picture.ts'
import { broken } from './promise.ts'
import { buildScene } from './scene.ts'
import { Screen } from './screen.ts'
import { Story } from './story.ts'
import { svg } from './svg.ts'
import { sentences, table } from './table.ts'
import type { Timeline } from './timeline.ts'

const INTRODUCTION = `A small point of presence in network namespaces: clients and a botnet behind a router, an edge with NSD and nginx.
Good clients: dnsperf and curl, over IPv4 and IPv6. Attack: UDP reflection, junk UDP, two DNS floods, fragments, SYN flood.`

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'balancer') return (await import('./balancer/main.ts')).main(args.slice(1))
  const options = readOptions(args)
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  requireCapabilities(
    ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_BPF'],
    'making network namespaces and loading eBPF programs for the demo',
  )
  const screen = new Screen(process.stdout, view)
  screen.say(INTRODUCTION)
  const scene = await buildScene()
  const story = new Story(scene, options, (timeline) => screen.update(timeline))
  try {
    await story.play()
  } finally {
    await scene.close()
  }
  return report(story, options, screen)
}

function report(
  { timeline, phases }: Story,
  options: ReturnType<typeof readOptions>,
  screen: Screen<Timeline>,
): number {
  screen.say(`\n${table(phases)}\n${sentences(phases).join('\n')}`)
  if (options.svg !== undefined) {
    writeFileSync(options.svg, svg(timeline, phases))
    screen.say(`The picture of this run is in ${options.svg}`)
  }
  const problems = broken(phases)
  for (const problem of problems) process.stderr.write(`Promise not kept: ${problem}\n`)
  if (options.json) process.stdout.write(`${JSON.stringify({ phases })}\n`)
  return problems.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
