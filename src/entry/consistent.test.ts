import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConsistently, readConsistentlyInSteps } from './consistent.ts'

const gone = new Error('it has gone')

test('readConsistently() reads again when another version has come, and else throws', () => {
  let version = 1
  const read = () => {
    if (version++ < 3) throw gone
    return version
  }
  assert.equal(
    readConsistently(() => `${version}`, read),
    4,
  )
  const fails = () => {
    throw gone
  }
  assert.throws(() => readConsistently(() => 'same', fails), gone)
})

test('readConsistentlyInSteps() does the same for promises, and gives up when versions never end', async () => {
  let version = 0
  const fails = async () => {
    version++
    throw gone
  }
  await assert.rejects(
    readConsistentlyInSteps(() => `${version}`, fails),
    gone,
  )
  assert.equal(version, 20)
  assert.equal(
    await readConsistentlyInSteps(
      () => 'same',
      async () => 5,
    ),
    5,
  )
})
