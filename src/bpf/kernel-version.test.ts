import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAtLeast } from './kernel-version.ts'

test('isAtLeast() compares by number, and only as far as the minimum goes', () => {
  assert.equal(isAtLeast('6.12.117+deb12-cloud-amd64', '6.6'), true)
  assert.equal(isAtLeast('6.1.0-56-cloud-amd64', '6.6'), false)
  assert.equal(isAtLeast('6.6.0', '6.6'), true)
  assert.equal(isAtLeast('7.0', '6.18'), true)
  assert.equal(isAtLeast('6.6', '6.6.1'), false)
  assert.equal(isAtLeast('2.6.39', '2.6.10'), true)
})
