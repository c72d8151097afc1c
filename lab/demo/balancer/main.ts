/** `npm run demo -- balancer`: servers that join and leave while connections go on. */
import { writeFileSync } from 'node:fs'
import { requireCapabilities } from '../../../src/linux/capabilities.ts'
import { Screen } from '../screen.ts'
import { EDGES, Edges } from './edges.ts'
import { type BalancerDemoOptions, readOptions, USAGE } from './options.ts'
import { view } from './picture.ts'
import { broken } from './promise.ts'
import { Story } from './story.ts'
import { svg } from './svg.ts'
import { sentence, table } from './table.ts'
import type { Timeline } from './timeline.ts'

const INTRODUCTION = `Three servers in network namespaces, each balancer and application at once, behind a router that spreads connections over them.
They talk all the time, and some of them always end and others begin in their places. Servers join and leave meanwhile.`

/** Returns the exit code: 0 if no promise was broken. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  requireCapabilities(
    ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_BPF'],
    'making network namespaces and loading eBPF programs for the demo',
  )
  const screen = new Screen<Timeline>(process.stdout, view)
  screen.say(INTRODUCTION)
  const edges = await Edges.build()
  const story = new Story(edges, options, (timeline) => screen.update(timeline))
  try {
    await story.play()
  } finally {
    await edges.close()
  }
  return report(story, options, screen)
}

function report({ timeline, stages }: Story, options: BalancerDemoOptions, screen: Screen<Timeline>): number {
  screen.say(`\n${table(stages, EDGES)}\n${sentence(stages)}`)
  if (options.svg !== undefined) {
    writeFileSync(options.svg, svg(timeline, stages))
    screen.say(`The picture of this run is in ${options.svg}`)
  }
  const problems = broken(stages, options.connections)
  for (const problem of problems) process.stderr.write(`Promise not kept: ${problem}\n`)
  if (options.json) process.stdout.write(`${JSON.stringify({ stages })}\n`)
  return problems.length === 0 ? 0 : 1
}
