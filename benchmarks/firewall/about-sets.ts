import type { BenchRun } from '../harness/bench.ts'
import type { Result } from '../harness/result.ts'
import { hosts4, prefixes4 } from '../sets/contents.ts'
import { control } from '../sets/control.ts'
import { lookups } from '../sets/lookups.ts'

const MILLION = 1_000_000

/** T4, T5 and T12: what `npm run bench -- sets` measures in full. */
export async function* aboutSets(run: BenchRun): AsyncGenerator<Result> {
  const count = run.smoke ? 20_000 : MILLION
  const named = (target: string, result: Result): Result => ({
    ...result,
    bench: 'firewall',
    case: `${target} ${result.case}`,
  })
  const cases = [
    ['T4', { name: 'IPv4 hosts', contents: hosts4(count), targets: { random: 35 }, lpm: false }],
    ['T5', { name: 'IPv4 prefixes', contents: prefixes4(count), targets: { random: 75 }, lpm: true }],
  ] as const
  for (const [target, each] of cases)
    for await (const result of lookups(each, run)) if (result.target !== null) yield named(target, result)
  for await (const result of control(count, run))
    if (result.unit === 'ms' && !result.case.includes('file')) yield named('T12', result)
}
