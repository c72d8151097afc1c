import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import { SlotNames } from './slot-names.ts'

const manifest = (id: string) =>
  ({ rules: [{ id, text: 'drop if udp', slot: 40, dynamic: false }], retired: [] }) as Partial<Manifest> as Manifest

test('SlotNames tells what is in force now, and while that cannot be read, what was', () => {
  const first = manifest('old')
  const names = (live: () => Live | undefined) => new SlotNames(first, live)
  const renamed = names(() => ({ manifest: manifest('new') }) as Live)
  assert.deepEqual([renamed.of(40), renamed.of(40), renamed.of(0)], ['new', 'new', 'default'])
  assert.equal(names(() => undefined).of(40), 'old')
  const unreadable = names(() => {
    throw new Error('between two generations')
  })
  assert.equal(unreadable.of(40), 'old')
  assert.equal(unreadable.of(41), 'slot 41')
})
