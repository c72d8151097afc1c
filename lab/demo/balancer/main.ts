/** `npm run demo -- balancer`: servers that join and leave while connections go on. */
import { report, requireRoot } from '../report.ts'
import { Screen } from '../screen.ts'
import { EDGES, Edges } from './edges.ts'
import { readOptions, USAGE } from './options.ts'
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
  requireRoot()
  const screen = new Screen<Timeline>(process.stdout, view)
  screen.say(INTRODUCTION)
  const edges = await Edges.build()
  const story = new Story(edges, options, (timeline) => screen.update(timeline))
  try {
    await story.play()
  } finally {
    await edges.close()
  }
  const { timeline, stages } = story
  return report(screen, options, {
    text: `${table(stages, EDGES)}\n${sentence(stages)}`,
    broken: broken(stages, options.connections),
    figures: { stages },
    svg: () => svg(timeline, stages),
  })
}
