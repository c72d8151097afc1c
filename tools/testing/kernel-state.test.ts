import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { leaksSince, temporaryFiles } from './kernel-state.ts'

test('leaksSince names what is new and stays', async () => {
  assert.deepEqual(await leaksSince(new Set(['pin a']), () => new Set(['pin b', 'pin a', 'link 1']), 0), [
    'link 1',
    'pin b',
  ])
})

test('leaksSince waits for what the kernel frees late', async () => {
  const states = [new Set(['map 1']), new Set(['map 1']), new Set<string>()]
  assert.deepEqual(await leaksSince(new Set(), () => states.shift() ?? new Set()), [])
})

test('leaksSince says nothing about what went away', async () => {
  assert.deepEqual(await leaksSince(new Set(['process 1']), () => new Set()), [])
})

test('temporaryFiles names those of tests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'seawall-kernel-state-'))
  try {
    assert.ok(temporaryFiles().includes(`temporary file ${basename(folder)}`))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
