import Table from 'cli-table3'
import type { PhaseFigures } from './figures.ts'
import { milliseconds, share } from './format.ts'
import { kindOf, type PhaseName } from './phases.ts'

/** Column by column: its head, and what stands in it. */
const columns: readonly (readonly [head: string, read: (phase: PhaseFigures) => string])[] = [
  ['phase', ({ name }) => name],
  ['answered', ({ legitAnswered, legitSent }) => share(legitAnswered, legitSent)],
  ['of', ({ legitSent }) => count(legitSent)],
  ['HTTP', ({ http }) => share(http.answered, http.sent)],
  ['of', ({ http }) => count(http.sent)],
  ['p50', ({ latencyMsP50 }) => milliseconds(latencyMsP50)],
  ['p99', ({ latencyMsP99 }) => milliseconds(latencyMsP99)],
  ['attack', ({ attackSent }) => count(attackSent)],
  ['dropped', ({ attackDropped }) => count(attackDropped)],
  ['cookies', ({ attackAnswered }) => count(attackAnswered)],
  ['passed', ({ attackPassed }) => count(attackPassed)],
  ['lost', ({ attackLost }) => count(attackLost)],
  ['good dropped', ({ legitDropped }) => count(legitDropped)],
]

/** The short table at the end. */
export function table(phases: readonly PhaseFigures[]): string {
  const grid = new Table({
    head: columns.map(([head]) => head),
    style: { head: [], border: [] },
    colAligns: columns.map((_, index) => (index === 0 ? 'left' : 'right')),
  })
  for (const phase of phases) grid.push(columns.map(([, read]) => read(phase)))
  return grid.toString()
}

function count(value: number): string {
  return value.toLocaleString('en')
}

/** What the figures say, in sentences. */
export function sentences(phases: readonly PhaseFigures[]): string[] {
  const guarded = phases.filter(({ name }) => kindOf(name).attack !== undefined && kindOf(name).bare !== true)
  return [...attackedBare(phases), ...attackedGuarded(guarded)]
}

function attackedBare(phases: readonly PhaseFigures[]): string[] {
  const of = (name: PhaseName) => phases.find((phase) => phase.name === name)
  const [mixed, syn] = [of('unprotected'), of('syn-flood')]
  const served = ({ sent, answered }: PhaseFigures['http']) => share(answered, sent)
  const lines: string[] = []
  if (mixed !== undefined) {
    lines.push(
      `Under ${rate(mixed)} attack packets a second the bare edge answered ${served(mixed.dns)} of the DNS queries`,
    )
    lines.push(`and ${served(mixed.http)} of the HTTP requests, each a connection of its own;`)
  }
  if (syn !== undefined) lines.push(`under ${rate(syn)} SYNs a second ${served(syn.http)} of them.`)
  return lines
}

function attackedGuarded(phases: readonly PhaseFigures[]): string[] {
  if (phases.length === 0) return []
  const sum = (read: (phase: PhaseFigures) => number) => count(phases.reduce((total, phase) => total + read(phase), 0))
  const answered = `${sum((p) => p.legitAnswered)} of ${sum((p) => p.legitSent)}`
  const stopped = `${sum((p) => p.attackDropped + p.attackAnswered)} of ${sum((p) => p.attackSent)}`
  return [
    `With Seawall it answered ${answered}; rules and SYN cookies stopped ${stopped} attack packets`,
    `and ${sum((p) => p.legitDropped)} packets of good clients, also while the agent was dead.`,
  ]
}

/** Attack packets a second, in thousands. */
const rate = ({ attackSent, seconds }: PhaseFigures): string => `${Math.round(attackSent / seconds / 1000)},000`
