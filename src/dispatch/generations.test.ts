import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Directory, emptyDirectory, enrol, SLOTS } from './directory.ts'
import { beginGeneration, forgotten, labelIn, noteDrain, notePromotion, noteTelling, withShare } from './generations.ts'

const web = { label: 'web', protocol: 'tcp', family: 4 } as const
const empty = enrol(emptyDirectory, [web])

/** One more generation, with a slot of its own. */
function next(directory: Directory): {
  readonly directory: Directory
  readonly generation: number
  readonly slot: number
} {
  const begun = beginGeneration(directory, 'web', 0)
  const shared = withShare(begun.directory, 0, begun.generation)
  return { directory: shared, generation: begun.generation, slot: shared.destinations[0]!.shares.at(-1)!.slot }
}

/** As when the sockets of all generations but one have been closed. */
function withOnly(directory: Directory, generation: number): Directory {
  const destinations = directory.destinations.map((one) => ({
    ...one,
    shares: one.shares.filter((share) => share.generation === generation),
  }))
  return forgotten({ ...directory, destinations })
}

test('numbers of generations are never given again, and one that drains keeps its slot, beyond 65,536 of them', () => {
  const first = next(empty)
  const slots = new Set<number>()
  let directory = first.directory
  for (let count = 2; count <= 70_000; count++) {
    const begun = next(directory)
    assert.equal(begun.generation, count)
    slots.add(begun.slot)
    directory = withOnly(begun.directory, first.generation)
  }
  assert.equal(slots.has(first.slot), false)
  assert.equal(slots.size, SLOTS - 2)
})

test('withShare() refuses one generation more than there is room for, and says what to do', () => {
  let directory = empty
  for (let count = 1; count < SLOTS; count++) directory = next(directory).directory
  assert.throws(() => next(directory), {
    code: 'SEAWALL_FULL',
    message:
      'Cannot begin a generation of "web": there are 4095 of all labels together with sockets, wanted fewer (end servers that drain, see seawall generations)',
  })
})

test('what a generation was told is forgotten when it works again', () => {
  const [one, two] = [next(empty), next(next(empty).directory)]
  const working = notePromotion(two.directory, 'web', one.generation, 1_000)
  const replaced = notePromotion(working, 'web', two.generation, 2_000)
  const told = noteTelling(replaced, 'web', one.generation, 'drain')
  const generationOf = (directory: Directory) => labelIn(directory, 'web').generations[0]
  assert.deepEqual([generationOf(told)?.replaced, generationOf(told)?.told], [2_000, ['drain']])
  const back = generationOf(notePromotion(told, 'web', one.generation, 3_000))
  assert.deepEqual([back?.replaced, back?.told, back?.promoted], [undefined, undefined, 3])
})

test('noteDrain() has one that waited count as replaced', () => {
  const { directory, generation } = next(empty)
  const [drained] = labelIn(noteDrain(directory, 'web', generation, 5_000), 'web').generations
  assert.deepEqual([drained?.promoted, drained?.replaced], [1, 5_000])
})
