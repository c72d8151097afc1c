import Table from 'cli-table3'
import pc from 'picocolors'
import type { Result } from './result.ts'
import type { Timing } from './timing.ts'

/** Results as a table for people: minimum and median, floor, what is above it, rivals, and whether the target is met. */
export function formatTable(results: readonly Result[]): string {
  const rivals = [...new Set(results.flatMap((result) => Object.keys(result.rivals)))]
  const head = ['bench', 'case', 'keys', 'value', 'floor', 'over floor', ...rivals, 'target', '']
  const table = new Table({ head, style: { head: ['bold'], border: ['dim'] } })
  for (const result of results) table.push(rowOf(result, rivals))
  return `${table.toString()}\nminimum / median of several runs; a target is for the minimum`
}

function rowOf(result: Result, rivals: readonly string[]): string[] {
  const { value, floor, unit, target, met } = result
  const over = floor ? `+${number(value.min - floor.min)}` : ''
  const wanted = target === null ? '' : `≤ ${floor ? '+' : ''}${number(target)}`
  const mark = met === null ? '' : met ? pc.green('met') : pc.red('missed')
  const others = rivals.map((name) => timing(result.rivals[name]))
  return [
    result.bench,
    result.case,
    result.keys,
    `${timing(value)} ${unit}`,
    timing(floor),
    over,
    ...others,
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
