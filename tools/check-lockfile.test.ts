import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLockfile } from './check-lockfile.ts'
import { temporaryTree } from './temporary-tree.ts'

const check = (dependencies: object, packages: object): string[] =>
  checkLockfile(
    temporaryTree({
      'package.json': JSON.stringify({ dependencies }),
      'package-lock.json': JSON.stringify({ packages }),
    }),
  )

test('checkLockfile accepts a lockfile without addresses that fits', () => {
  const packages = {
    '': { dependencies: { zod: '1.0.0' } },
    'node_modules/zod': { version: '1.0.0', integrity: 'sha512-x' },
  }
  assert.deepEqual(check({ zod: '1.0.0' }, packages), [])
})

test('checkLockfile finds addresses, missing checksums and packages that differ', () => {
  const packages = {
    '': { dependencies: { zod: '1.0.0' } },
    'node_modules/zod': {
      version: '1.0.0',
      resolved: 'https://example.net/zod.tgz',
      optionalDependencies: { 'zod-other-platform': '1.0.0' },
    },
  }
  assert.deepEqual(check({ zod: '1.0.1', yaml: '2.0.0' }, packages), [
    'package-lock.json: "node_modules/zod" records a download address',
    'package-lock.json: "node_modules/zod" has no checksum',
    'package-lock.json: "zod-other-platform", which "node_modules/zod" depends on, is missing',
    'package.json wants zod 1.0.1, package-lock.json has 1.0.0 (npm install)',
    'package.json wants yaml 2.0.0, package-lock.json has none (npm install)',
  ])
})
