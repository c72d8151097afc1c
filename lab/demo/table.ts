import Table from 'cli-table3'
import type { PhaseFigures } from './figures.ts'
import { milliseconds, share } from './format.ts'

/** The short table at the end. */
export function table(phases: readonly PhaseFigures[]): string {
  const head = ['phase', 'answered', 'of', 'p50', 'p99', 'attack', 'dropped', 'passed', 'lost', 'good dropped']
  const grid = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
  })
  for (const phase of phases) {
    grid.push([
      phase.name,
      share(phase.legitAnswered, phase.legitSent),
      count(phase.legitSent),
      milliseconds(phase.latencyMsP50),
      milliseconds(phase.latencyMsP99),
      count(phase.attackSent),
      count(phase.attackDropped),
      count(phase.attackPassed),
      count(phase.attackLost),
      count(phase.legitDropped),
    ])
  }
  return grid.toString()
}

function count(value: number): string {
  return value.toLocaleString('en')
}

/** What the figures say, in sentences. */
export function sentences(phases: readonly PhaseFigures[]): string[] {
  const of = (name: PhaseFigures['name']) => phases.find((phase) => phase.name === name)
  const attacked = of('unprotected')
  const guarded = phases.filter(({ name }) => name !== 'calm' && name !== 'unprotected')
  const sum = (read: (phase: PhaseFigures) => number) => guarded.reduce((total, phase) => total + read(phase), 0)
  const lines: string[] = []
  if (attacked !== undefined) {
    const rate = Math.round(attacked.attackSent / attacked.seconds / 1000)
    const answered = share(attacked.legitAnswered, attacked.legitSent)
    lines.push(`Under ${rate},000 attack packets a second the bare edge answered ${answered} of the good requests.`)
  }
  if (guarded.length > 0) {
    const answered = `${count(sum((p) => p.legitAnswered))} of ${count(sum((p) => p.legitSent))}`
    const dropped = `${count(sum((p) => p.attackDropped))} of ${count(sum((p) => p.attackSent))}`
    lines.push(`With Seawall it answered ${answered}; rules dropped ${dropped} attack packets`)
    lines.push(`and ${count(sum((p) => p.legitDropped))} packets of good clients, also while the agent was dead.`)
  }
  return lines
}
