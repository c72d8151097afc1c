import Table from 'cli-table3'
import { milliseconds } from '../format.ts'
import type { StageFigures } from './figures.ts'
import { titles } from './picture.ts'
import { PLAIN } from './promise.ts'
import { sum } from './timeline.ts'

const count = (value: number): string => value.toLocaleString('en')

/** Column by column: its head, and what stands in it. */
const columns: readonly (readonly [head: string, read: (stage: StageFigures) => string])[] = [
  ['stage', ({ name }) => titles[name]],
  ['seconds', ({ seconds }) => seconds.toFixed(1)],
  ['requests', ({ web }) => count(web.sent)],
  ['failed', ({ web }) => count(web.failed)],
  ['p50', ({ web }) => milliseconds(web.latencyMsP50)],
  ['p99', ({ web }) => milliseconds(web.latencyMsP99)],
  ['players', ({ game }) => count(game.players)],
  ['moves', ({ game }) => count(game.answers)],
  ['strangers', ({ game }) => count(sum(game.strangers))],
  ['no socket', ({ missing }) => count(missing.web + missing.game)],
  ['done', (stage) => done(stage)],
]

/** The short table at the end. */
export function table(stages: readonly StageFigures[]): string {
  const grid = new Table({
    head: columns.map(([head]) => head),
    style: { head: [], border: [] },
    colAligns: columns.map((_, index) => (index === 0 || index === columns.length - 1 ? 'left' : 'right')),
  })
  for (const stage of stages) grid.push(columns.map(([, read]) => read(stage)))
  return grid.toString()
}

function done({ done: { restarts, killed, replaced }, web }: StageFigures): string {
  if (killed !== undefined) return `one of ${count(killed.players)} players`
  if (replaced !== undefined) return `${count(replaced.bindings)} bindings, ${replaced.times} times`
  if (restarts !== undefined) return restarts === 1 ? 'one restart of each' : `${restarts} restarts`
  return `${count(web.places)} addresses and ports`
}

/** What the figures say, in sentences. */
export function sentences(stages: readonly StageFigures[]): string[] {
  const kept = stages.filter(({ name }) => name !== PLAIN)
  const plain = stages.filter(({ name }) => name === PLAIN)
  const restarts = total(kept, ({ done }) => done.restarts ?? 0)
  const lines = [
    `Through ${restarts} restarts with generations ${total(kept, ({ web }) => web.failed)} of ${total(kept, ({ web }) => web.sent)} requests failed, and ${total(kept, strangersOfRestarts)} players met a process that did not know them;`,
    `through plain ones ${total(plain, ({ web }) => web.failed)} requests failed, and ${total(plain, ({ game }) => sum(game.strangers))} players met one.`,
  ]
  const killed = stages.find(({ done }) => done.killed !== undefined)
  if (killed === undefined) return lines
  const moved = count(sum(killed.game.strangers))
  return [...lines, `When a worker was killed, ${moved} players moved: all of them its own.`]
}

/** Without those whose process was killed. */
const strangersOfRestarts = ({ game, done }: StageFigures): number =>
  sum(game.strangers) - (game.strangers[done.killed?.server ?? ''] ?? 0)

const total = (stages: readonly StageFigures[], read: (stage: StageFigures) => number): string =>
  count(stages.reduce((result, stage) => result + read(stage), 0))
