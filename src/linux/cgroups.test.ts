import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cgroupRoot } from './cgroups.ts'

const hybrid = `31 24 0:27 / /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu
32 24 0:28 /machine /run/a\\040group rw - cgroup2 cgroup2 rw
33 24 0:28 / /sys/fs/cgroup/unified rw,relatime shared:10 - cgroup2 cgroup2 rw`

test('cgroupRoot() finds the mount of the root, else of a part', () => {
  assert.equal(cgroupRoot(hybrid), '/sys/fs/cgroup/unified')
  assert.equal(cgroupRoot(hybrid.split('\n').slice(0, 2).join('\n')), '/run/a group')
})

test('cgroupRoot() says what is missing', () => {
  assert.throws(() => cgroupRoot(hybrid.split('\n')[0]), { code: 'CGROUP_MISSING', message: /mount -t cgroup2/ })
})
