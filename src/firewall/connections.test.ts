import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cgroupRoot } from './connections.ts'

test('cgroupRoot() finds where the control groups of version 2 are mounted, and says what to do if they are not', () => {
  const old = 'tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n'
  const unified = `${old}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n`
  const two = `${unified}none /cgroup\\0402 cgroup2 rw 0 0\n`
  assert.equal(
    cgroupRoot(two, () => true),
    '/sys/fs/cgroup/unified',
  )
  assert.equal(
    cgroupRoot(two, (path) => path === '/cgroup 2'),
    '/cgroup 2',
  )
  assert.throws(() => cgroupRoot(two, () => false), { code: 'SEAWALL_NO_BPF' })
  assert.throws(() => cgroupRoot(old), { code: 'SEAWALL_NO_BPF', message: /no cgroup2 file system \(mount -t cgroup2/ })
})
