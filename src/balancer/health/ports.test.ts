import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FIRST_PORT, PORTS, Ports } from './ports.ts'

test('Ports are those of bpf/health.bpf.c', () => {
  const source = readFileSync(new URL('../../../bpf/health.bpf.c', import.meta.url), 'utf8')
  assert.match(source, new RegExp(`#define FIRST_PORT ${FIRST_PORT}\n#define PORTS ${PORTS}\n`))
  assert.ok(FIRST_PORT + PORTS - 1 <= 65_535)
})

test('Ports.take() gives each port once, and then those that were given back first', () => {
  const ports = new Ports()
  const taken = Array.from({ length: PORTS }, () => ports.take())
  assert.equal(new Set(taken).size, PORTS)
  assert.equal(ports.take(), undefined)
  for (const index of [7, 3, 9]) ports.giveBack(index)
  assert.deepEqual([ports.take(), ports.take(), ports.take(), ports.take()], [7, 3, 9, undefined])
})
