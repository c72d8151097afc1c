import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLeftover, ownPrefix } from './owner.ts'

test('isLeftover() spares what a live process owns', () => {
  assert.equal(isLeftover(`${ownPrefix()}router`), false)
})

test('isLeftover() finds what a dead process owned', () => {
  assert.equal(
    isLeftover('seawall-lab-42-1000-router', () => undefined),
    true,
  )
})

test('isLeftover() is not fooled by a process id that was used again', () => {
  assert.equal(
    isLeftover('seawall-lab-42-1000-router', () => '2000'),
    true,
  )
  assert.equal(
    isLeftover('seawall-lab-42-1000-router', () => '1000'),
    false,
  )
})

test('isLeftover() never claims what is not a lab', () => {
  for (const name of ['seawall-linux-42', 'router', 'seawall-lab-x-1-router', 'my-seawall-lab-42-1000-router']) {
    assert.equal(
      isLeftover(name, () => undefined),
      false,
      name,
    )
  }
})
