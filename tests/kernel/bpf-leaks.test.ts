import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { BpfMap, BpfObject, MapFlag, RingBuffer } from '../../src/bpf/index.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, netnsPath, removeNetns } from '../../src/linux/netns.ts'
import { buildBpf } from '../../tools/build-bpf.ts'
import { listBpfObjects } from '../../tools/testing/kernel-state.ts'
import { heldDescriptors } from '../support/held-descriptors.ts'
import { createNumber, createNumbers, createRing, loadCounting, loadRecording, record } from './bpf-programs.ts'

const netns = `seawall-leaks-${process.pid}`

before(() => {
  buildBpf({ root: '.' })
  createNetns(netns)
  ipBatch(netns, ['link add sea0 type veth peer name sea1'])
})
after(() => removeNetns(netns))

/** Everything of the kernel's that this process holds. */
function held(): { readonly descriptors: string[]; readonly mappings: number } {
  const maps = readFileSync('/proc/self/maps', 'utf8')
  return { descriptors: heldDescriptors(), mappings: maps.split('\n').filter((line) => line.includes('bpf')).length }
}

/** Ids of all maps and programs of this name in the kernel. */
function inKernel(name: string): number[] {
  return ['map', 'prog'].flatMap((kind) => {
    return listBpfObjects(kind).flatMap((one) => (one.name === name ? [one.id] : []))
  })
}

interface Handle {
  close(): void
}

/** One of each kind of handle, in use. */
async function openAll(): Promise<Handle[]> {
  const map = createNumber(MapFlag.mmapable)
  map.mmap()[0] = 1
  const program = await loadCounting(map)
  const link = inNetns(netns, () => program.attachXdp({ ifindex: 1, mode: 'generic' }))
  const ringMap = createRing(4096)
  const ring = RingBuffer.open(ringMap)
  const numbers = createNumbers()
  const writer = await loadRecording(ringMap, numbers, 8)
  const listener = ring.listen(() => {})
  record(writer, numbers, 3)
  return [map, map.clone(), program, program.clone(), link, ringMap, ring, numbers, writer, listener]
}

test('Handles can be closed in any order, each more than once, and leave nothing', async () => {
  await closeIn(await openAll(), [])
  const before = held()
  const order = fc.array(fc.nat(9), { minLength: 0, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(order, async (indexes) => {
      await closeIn(await openAll(), indexes)
      assert.deepEqual(held(), before)
    }),
    { numRuns: 25, seed: 20_260_101 },
  )
})

async function closeIn(handles: readonly Handle[], indexes: readonly number[]): Promise<void> {
  for (const index of indexes) {
    handles[index]!.close()
    if (index % 3 === 0) await sleep(1)
  }
  for (const handle of handles) handle.close()
}

test('BpfObject.close() gives all back, and so does a load that fails', async () => {
  const image = readFileSync('build/tests/fixtures/shapes.bpf.o')
  const before = held()
  for (let round = 0; round < 5; round++) {
    const object = await BpfObject.load(image, { programs: ['copy_event'] })
    object.map('.bss').mmap()
    object.close()
    object.close()
    await assert.rejects(BpfObject.load(image, { programs: ['unchecked'] }))
    await assert.rejects(BpfObject.load(image.subarray(0, 300)))
  }
  assert.deepEqual(held(), before)
})

test('Handles that are closed leave nothing in the kernel', async () => {
  const name = `leak${process.pid}`
  const map = BpfMap.create({ kind: 'array', name, keySize: 4, valueSize: 8, maxEntries: 1 })
  assert.equal(inKernel(name).length, 1)
  map.close()
  for (let tries = 0; tries < 100 && inKernel(name).length > 0; tries++) await sleep(20)
  assert.deepEqual(inKernel(name), [])
})

test('Handles that are forgotten are closed at garbage collection, with a warning each; memory stays as long as it is seen', () => {
  const script = 'tests/support/unclosed-handles.ts'
  const run = (env: NodeJS.ProcessEnv) => {
    const child = spawnSync(
      'nsenter',
      [`--net=${netnsPath(netns)}`, process.execPath, '--expose-gc', '--import', 'tsx', script],
      { encoding: 'utf8', env: { ...process.env, ...env } },
    )
    assert.equal(child.status, 0, child.stderr)
    return JSON.parse(child.stdout) as { opened: number; after: string[]; warnings: string[]; memory: number }
  }
  const { opened, after, warnings, memory } = run({})
  const hint = 'was never closed: closed at garbage collection (NODE_DEBUG=bpf tells where it was opened)'
  assert.equal(opened, 3)
  assert.deepEqual(after, [])
  assert.equal(memory, 7)
  assert.deepEqual(
    warnings,
    ['link', 'map "forgotten"', 'program "forgotten"'].map((what) => `BPF_NOT_CLOSED ${what} ${hint}`),
  )
  for (const warning of run({ NODE_DEBUG: 'bpf' }).warnings) assert.match(warning, /unclosed-handles/)
})
