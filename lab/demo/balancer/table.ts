import Table from 'cli-table3'
import type { StageFigures } from './figures.ts'
import { titles } from './picture.ts'

const count = (value: number): string => value.toLocaleString('en')

/** The short table at the end. */
export function table(stages: readonly StageFigures[], servers: readonly string[]): string {
  const head = ['stage', 'seconds', ...servers, 'open', 'begun', 'ended', 'failed', 'lost', 'moved', 'silent']
  const grid = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
  })
  for (const stage of stages) {
    const { open, begun, ended, failed, lost, moved, silent } = stage
    grid.push([
      titles[stage.name],
      stage.seconds.toFixed(1),
      ...servers.map((name) => count(stage.servers[name] ?? 0)),
      ...[open, begun, ended, failed, lost, moved, silent].map(count),
    ])
  }
  return grid.toString()
}

/** What the figures say, in a sentence. */
export function sentence(stages: readonly StageFigures[]): string {
  const sum = (read: (stage: StageFigures) => number) => count(stages.reduce((total, stage) => total + read(stage), 0))
  return `Of ${sum((s) => s.begun)} connections, which were answered ${sum((s) => s.answers)} times, ${sum((s) => s.lost)} were lost and ${sum((s) => s.moved)} moved.`
}
