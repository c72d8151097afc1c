import assert from 'node:assert/strict'
import { readFileSync, realpathSync } from 'node:fs'
import { test } from 'node:test'
import { isProcess } from './process-selection.ts'

const own = process.pid
const cgroup = /^\d+:[^:]*:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]!

test('isProcess() knows a process by its program and its control group', () => {
  const exe = realpathSync(process.execPath)
  assert.equal(isProcess(own, {}), true)
  assert.equal(isProcess(own, { exe }), true)
  assert.equal(isProcess(own, { exe: '/usr/sbin/nginx' }), false)
  assert.equal(isProcess(own, { exe, cgroup }), true)
  assert.equal(isProcess(own, { cgroup: `${cgroup}x` }), false)
  assert.equal(isProcess(own, { unit: 'no-such-unit' }), false)
  const [unit] = cgroup.split('/').filter(Boolean).slice(-1)
  if (unit !== undefined) assert.equal(isProcess(own, { unit: unit.replace(/\.service$/, '') }), true)
})

test('isProcess() is false of a process that is not there', () => {
  assert.equal(isProcess(4_194_303, { exe: '/bin/sh' }), false)
})
