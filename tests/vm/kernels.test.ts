import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKernels, readKernels, releaseOf } from './kernels.ts'

const kernel = {
  id: '6.1',
  newest: 'linux-image-cloud-amd64',
  package: 'linux-image-6.1.0-1-cloud-amd64',
  version: '6.1.2-3~deb12u1',
  sha256: 'a'.repeat(64),
}

test('parseKernels() reads what the data file holds, of which each has another name', () => {
  const kernels = readKernels()
  assert.deepEqual(
    kernels.map(({ id }) => id),
    ['6.1', '6.12'],
  )
  for (const { id, package: name } of kernels) assert.ok(name.startsWith(`linux-image-${id}.`), name)
})

test('parseKernels() names the field that is wrong, and what was found', () => {
  const read = (change: object) => () => parseKernels(JSON.stringify([kernel, { ...kernel, ...change }]))
  read({})()
  assert.throws(read({ sha256: 'abc' }), /kernels\.json\[1\]\.sha256 is "abc" \(wanted: /)
  assert.throws(read({ version: undefined }), /kernels\.json\[1\]\.version is undefined/)
  assert.throws(read({ package: 'linux-image-cloud-amd64' }), /\[1\]\.package is "linux-image-cloud-amd64"/)
  assert.throws(read({ version: '6.1; reboot' }), /\[1\]\.version is "6\.1; reboot"/)
  assert.throws(() => parseKernels('{}'), /must be a list of kernels/)
  assert.throws(() => parseKernels('[null]'), /\[0\]\.id is undefined/)
})

test('releaseOf() is what uname says', () => {
  assert.equal(releaseOf(kernel), '6.1.0-1-cloud-amd64')
})
