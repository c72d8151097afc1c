import type { BpfMap } from '../../bpf/index.ts'
import { add, readSlot, zero } from '../../entry/count.ts'
import type { Action, MalformedPolicy } from '../../rules/ast.ts'
import { malformedReasons, malformedSlot, PASSED_BY_DEFAULT } from '../../rules/counters.ts'
import { verdictOf } from '../slots.ts'
import type { Count } from '../types.ts'

/** A rule in front of sockets. */
export interface SocketRule {
  readonly id: string
  readonly kind: Action['kind']
  /** Canonical text, without the id. */
  readonly text: string
  /** Of the map `counters`. */
  readonly slot: number
}

/** What came for the sockets. Each packet is in exactly one of the two verdicts. */
export interface SocketCounters {
  readonly verdicts: { readonly pass: Count; readonly drop: Count }
  /** Passed, as no rule decided. */
  readonly byDefault: Count
  /** Packets that could not be read, by reason. */
  readonly malformed: Readonly<Record<string, Count>>
  readonly rules: readonly (Pick<SocketRule, 'id' | 'text'> & Count)[]
}

export function readSocketCounters(
  counters: BpfMap,
  rules: readonly SocketRule[],
  policy: MalformedPolicy,
): SocketCounters {
  const byDefault = readSlot(counters, PASSED_BY_DEFAULT)
  const verdicts = { pass: byDefault, drop: zero }
  const malformed = malformedReasons.flatMap((reason): [string, Count][] => {
    const count = readSlot(counters, malformedSlot[reason])
    verdicts[policy] = add(verdicts[policy], count)
    return count.packets === 0 ? [] : [[reason, count]]
  })
  const counted = rules.map(({ id, kind, text, slot }) => {
    const count = readSlot(counters, slot)
    const verdict = verdictOf(kind)
    if (verdict !== undefined) verdicts[verdict] = add(verdicts[verdict], count)
    return { id, text, ...count }
  })
  return { verdicts, byDefault, malformed: Object.fromEntries(malformed), rules: counted }
}
