import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeawallError } from '../entry/errors.ts'
import { FIRST_RULE_SLOT, LAYOUT, SLOTS } from './layout.ts'
import type { Manifest } from './manifest.ts'
import { planSlots, type SlotPlan, type SlotRule } from './slots.ts'

const drop = (id: string): SlotRule => ({ id, kind: 'drop' })

function manifest(generation: number, rules: readonly SlotRule[], plan: SlotPlan): Manifest {
  const zero = { packets: 0, bytes: 0 }
  return {
    layout: LAYOUT,
    version: '0',
    generation,
    appliedAt: '',
    digest: '',
    malformed: 'drop',
    interfaces: [],
    rules: rules.map((rule) => ({
      id: rule.id,
      text: `${rule.kind} if ip`,
      slot: plan.slotOf.get(rule.id)!,
      dynamic: false,
    })),
    sets: [],
    retired: plan.retired,
    folded: { pass: zero, drop: zero },
    malformedBefore: { pass: zero, drop: zero },
    secret: '0',
    clock: { hz: 250, jiffiesAtZero: '0' },
    instructions: 0,
    parts: [],
  }
}

test('planSlots gives every rule a slot of its own behind the reserved ones', () => {
  const plan = planSlots([drop('a'), drop('b')], undefined, { generation: 1, previous: undefined })
  assert.deepEqual([...plan.slotOf.values()], [FIRST_RULE_SLOT, FIRST_RULE_SLOT + 1])
  assert.deepEqual(plan.fresh, [FIRST_RULE_SLOT, FIRST_RULE_SLOT + 1])
})

test('planSlots keeps the slot of a rule that moves, and gives another to one that changes its action', () => {
  const first = [drop('a'), drop('b')]
  const live = manifest(1, first, planSlots(first, undefined, { generation: 1, previous: undefined }))
  const plan = planSlots([{ id: 'b', kind: 'pass' }, drop('a')], live, { generation: 2, previous: 1 })
  assert.equal(plan.slotOf.get('a'), FIRST_RULE_SLOT)
  assert.equal(plan.slotOf.get('b'), FIRST_RULE_SLOT + 2)
  assert.deepEqual(
    plan.retired.map((slot) => slot.slot),
    [FIRST_RULE_SLOT + 1],
  )
})

test('planSlots frees a slot only when no generation that can come back counts in it', () => {
  const first = [drop('a')]
  const one = manifest(1, first, planSlots(first, undefined, { generation: 1, previous: undefined }))
  const second = planSlots([drop('b')], one, { generation: 2, previous: 1 })
  assert.equal(second.slotOf.get('b'), FIRST_RULE_SLOT + 1)
  assert.deepEqual(second.fold, [])
  const two = manifest(2, [drop('b')], second)
  const third = planSlots([drop('c')], two, { generation: 3, previous: 2 })
  assert.equal(third.slotOf.get('c'), FIRST_RULE_SLOT + 2)
  assert.deepEqual(
    third.fold.map((slot) => slot.id),
    ['a'],
  )
  const three = manifest(3, [drop('c')], third)
  const fourth = planSlots([drop('c'), drop('d')], three, { generation: 4, previous: 3 })
  assert.equal(fourth.slotOf.get('d'), FIRST_RULE_SLOT)
})

test('planSlots keeps retired slots over changes that do not move the generation to roll back to', () => {
  const one = manifest(1, [drop('a')], planSlots([drop('a')], undefined, { generation: 1, previous: undefined }))
  const two = manifest(2, [], planSlots([], one, { generation: 2, previous: 1 }))
  const dynamic = planSlots([drop('x')], two, { generation: 3, previous: 1 })
  assert.deepEqual(
    dynamic.retired.map((slot) => slot.id),
    ['a'],
  )
  const back = planSlots([drop('a')], manifest(3, [drop('x')], dynamic), { generation: 4, previous: 3 })
  assert.equal(back.slotOf.get('a'), FIRST_RULE_SLOT)
  assert.deepEqual(back.fresh, [])
})

test('planSlots folds no slot that the program in force counts in until it is swapped', () => {
  const one = manifest(1, [drop('a')], planSlots([drop('a')], undefined, { generation: 1, previous: undefined }))
  const second = planSlots([], one, { generation: 2, previous: undefined })
  assert.deepEqual(second.fold, [])
  const third = planSlots([], manifest(2, [], second), { generation: 3, previous: undefined })
  assert.deepEqual(
    third.fold.map((slot) => slot.id),
    ['a'],
  )
})

test('planSlots refuses more rules than there are slots', () => {
  const rules = Array.from({ length: SLOTS - FIRST_RULE_SLOT + 1 }, (_, index) => drop(`r${index}`))
  const work = () => planSlots(rules, undefined, { generation: 1, previous: undefined })
  assert.throws(work, (error) => error instanceof SeawallError && error.code === 'SEAWALL_FULL')
})
