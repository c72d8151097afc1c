import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Slots } from './slots.ts'

test('Slots.run() lets no more work go on than there are slots, in the order in which it came, also if some fails', async () => {
  const slots = new Slots(3)
  const begun: number[] = []
  let running = 0
  let most = 0
  const work = Array.from({ length: 20 }, (_, index) =>
    slots.run(async () => {
      begun.push(index)
      most = Math.max(most, ++running)
      await turn()
      running--
      if (index % 4 === 0) throw new Error(`work ${index}`)
    }),
  )
  const ends = await Promise.allSettled(work)
  assert.deepEqual(
    begun,
    [...begun].sort((a, b) => a - b),
  )
  assert.deepEqual([most, ends.filter(({ status }) => status === 'rejected').length], [3, 5])
})
