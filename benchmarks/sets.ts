// Sets of prefixes: a lookup's nanoseconds, loading and changing a million, memory.

import type { Bench } from './harness/bench.ts'
import { hosts4, prefixes4, prefixes6 } from './sets/contents.ts'
import { control } from './sets/control.ts'
import { type LookupCase, lookups } from './sets/lookups.ts'

const MILLION = 1_000_000

export const bench: Bench = async function* (run) {
  const count = run.smoke ? 20_000 : MILLION
  const cases: readonly LookupCase[] = [
    { name: 'IPv4 hosts', contents: hosts4(count), targets: { random: 35 }, lpm: false },
    { name: 'IPv4 prefixes', contents: prefixes4(count), targets: { random: 75 }, lpm: true },
    { name: 'IPv6 prefixes', contents: prefixes6(count), targets: {}, lpm: true },
  ]
  for (const each of cases) yield* lookups(each, run)
  yield* control(count, run)
}
