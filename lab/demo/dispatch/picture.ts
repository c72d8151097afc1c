import { short } from '../format.ts'
import { markLine, type View } from '../screen.ts'
import { type Counts, type StageName, sum, type Timeline } from './timeline.ts'

/** What each stage shows. */
export const titles: Readonly<Record<StageName, string>> = {
  prefixes: 'whole prefixes',
  web: 'nginx restarts',
  game: 'game restarts',
  plain: 'plain restarts',
  kill: 'worker killed',
  bindings: 'bindings swapped',
}

/** Marks that fit below the picture. */
const MARKS = 6

/** The servers now, as lines of text. */
export function picture({ moments, marks, totals }: Timeline, columns: number): string[] {
  const last = moments.at(-1)
  if (last === undefined) return ['']
  const width = Math.max(10, Math.min(columns - 45, 60))
  return [
    `  ${last.at.toFixed(0).padStart(3)} s  ${titles[last.stage]}`,
    ...bars('nginx', last.answers, 'answers/s', width),
    ...bars('game', workersOfOne(last.players), 'players', width),
    `  ${summary(totals)}`,
    ...marks.slice(-MARKS).map(markLine),
  ]
}

/** By worker if there is one run, else by run: there is not room for all workers of several. */
function workersOfOne(players: Counts): Counts {
  const runs: Record<string, number> = {}
  for (const [name, count] of Object.entries(players)) runs[runOf(name)] = (runs[runOf(name)] ?? 0) + count
  return Object.keys(runs).length === 1 ? players : runs
}

/** A line for each that has some. */
function bars(what: string, counts: Counts, unit: string, width: number): string[] {
  const whole = sum(counts)
  return namesIn(counts).map((name) => {
    const bar = '█'.repeat(Math.round((counts[name]! / whole) * width)).padEnd(width)
    return `  ${what.padEnd(5)} run ${name.padEnd(5)}  ${bar}  ${short(counts[name]!).padStart(6)} ${unit}`
  })
}

/** Runs, and workers of runs, in the order in which they were started. */
export const namesIn = (counts: Counts): string[] =>
  Object.keys(counts).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

export const view: View<Timeline> = {
  picture,
  latest: ({ moments, totals }) => {
    const last = moments.at(-1)!
    const runs = `nginx run ${namesIn(last.answers).join(', ')}; game run ${[...new Set(namesIn(last.players).map(runOf))].join(', ')}`
    const line = `${last.at.toFixed(1).padStart(6)} s  ${titles[last.stage].padEnd(17)}  ${summary(totals)}; ${runs}`
    return { at: last.at, stage: last.stage, line }
  },
}

/** The run of a worker: `3` of `3.1`. */
export const runOf = (worker: string): string => worker.split('.')[0]!

function summary({ requests, failed, strangers }: Timeline['totals']): string {
  const count = (value: number): string => value.toLocaleString('en')
  return `${count(requests)} requests, ${count(failed)} failed; ${count(strangers)} players met a process that did not know them`
}
