import type { RuleSet } from '../ast.ts'
import type { FieldName } from '../fields.ts'
import { absentValue } from './classify.ts'
import type { Dimension } from './constraint.ts'
import { patternSlots } from './name-pattern.ts'
import { QUESTION } from './parse/dns.ts'
import { payloadAt, payloadLength } from './parse/payload.ts'
import { signatureSlots } from './signature.ts'
import { FAMILY } from './stack.ts'

/** What parsing must leave for matching. */
export interface Needs {
  /** Name of a stack slot → its value when the packet lacks the field. */
  readonly slots: ReadonlyMap<string, number>
  /** Facts, by bit number. */
  readonly facts: readonly FieldName[]
}

const PORT_BITS = 16

/** Facts are tested with a 32-bit immediate. */
const MAX_FACTS = 31

export function needsOf(ruleSet: RuleSet, dimensions: readonly Dimension[]): Needs {
  const slots = new Map<string, number>()
  const facts: FieldName[] = []
  const address = (field: 'ip.src' | 'ip.dst') => {
    slots.set(FAMILY, 0).set(field, 0).set(`${field}.low`, 0)
  }
  const payload = (field: string) => {
    slots.set(payloadAt(field), 0).set(payloadLength(field), 0)
  }
  for (const dimension of dimensions) {
    if (dimension.kind === 'number') slots.set(dimension.slot, absentValue(dimension.bits))
    else if (dimension.kind === 'fact') facts.push(dimension.field)
    else if (dimension.kind === 'address') address(dimension.field)
    else {
      const { predicate } = dimension
      if (predicate.kind === 'set') address(predicate.field)
      if (predicate.kind === 'connections') address('ip.src')
      if (predicate.kind === 'bytes' || predicate.kind === 'contains') payload(predicate.field)
      if (predicate.kind === 'name' || predicate.kind === 'question') slots.set(QUESTION, 0)
      if (predicate.kind === 'name' || predicate.kind === 'pattern') payload('udp.payload')
      if (predicate.kind === 'pattern')
        for (const [slot, absent] of patternSlots(predicate.pattern)) slots.set(slot, absent)
      if (predicate.kind === 'signature')
        for (const [slot, absent] of signatureSlots(predicate.signature)) slots.set(slot, absent)
    }
  }
  for (const { action } of ruleSet.rules)
    if (action.kind === 'limit' && action.per.kind === 'address') {
      for (const { field } of action.per.parts) address(field)
      for (const port of action.per.ports ?? []) slots.set(port, absentValue(PORT_BITS))
    }
  if (facts.length > MAX_FACTS) throw new RangeError(`Cannot compile: ${facts.length} facts, at most ${MAX_FACTS}`)
  return { slots, facts }
}
