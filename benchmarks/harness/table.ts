import Table from 'cli-table3'
import pc from 'picocolors'
import type { Result } from './result.ts'
import type { Timing } from './timing.ts'

const head = ['bench', 'case', 'keys', 'value', 'floor', 'over floor', 'rivals', 'target', '']

/** Results as a table for people: minimum and median, floor, what is above it, rivals, and whether the target is met. */
export function formatTable(results: readonly Result[]): string {
  const style = pc.isColorSupported ? { head: ['bold'], border: ['dim'] } : { head: [], border: [] }
  const table = new Table({ head, style })
  for (const result of results) table.push(rowOf(result))
  return `${table.toString()}\nminimum / median of several runs; a target is for the minimum`
}

function rowOf(result: Result): string[] {
  const { value, floor, unit, rivals, target, met } = result
  const over = floor ? `+${number(value.min - floor.min)}` : ''
  const wanted = target === null ? '' : `≤ ${floor ? '+' : ''}${number(target)}`
  const mark = met === null ? '' : met ? pc.green('met') : pc.red('missed')
  const others = Object.entries(rivals).map(([name, figure]) => `${name} ${timing(figure)}`)
  return [
    result.bench,
    result.case,
    result.keys,
    `${timing(value)} ${unit}`,
    timing(floor),
    over,
    others.join('\n'),
    wanted,
    mark,
  ]
}

function timing(value: Timing | null | undefined): string {
  return value ? `${number(value.min)} / ${number(value.median)}` : ''
}

/** Three significant digits are enough, but whole numbers stay whole. */
function number(value: number): string {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(3)).toString()
}
