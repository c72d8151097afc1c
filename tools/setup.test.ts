import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

test('setup.sh says what root is needed for and stops before anything else', () => {
  const isRoot = process.getuid?.() === 0
  const [program, ...args] = [
    ...(isRoot ? ['setpriv', '--reuid=65534', '--clear-groups'] : []),
    'sh',
    '-x',
    'tools/setup.sh',
  ]
  const run = spawnSync(program!, args, { encoding: 'utf8' })
  assert.equal(run.status, 1)
  assert.match(run.stderr, /^setup: Root is needed: to load eBPF programs.*namespaces.*Debian packages/m)
  // -x shows each command: nothing was asked of dpkg, npm or node.
  assert.doesNotMatch(run.stderr, /^\++ (dpkg-query|apt-get|npm|node|find)\b/m)
})

test('debian-packages names each package once', () => {
  const lines = readFileSync('tools/debian-packages', 'utf8').split('\n')
  const names = lines.map((line) => line.replace(/#.*/, '').trim()).filter((name) => name !== '')
  assert.deepEqual([...new Set(names)], names)
  for (const name of names) assert.match(name, /^[a-z0-9][a-z0-9.+-]+$/)
})
