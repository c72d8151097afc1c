import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { BpfMap, BpfObject, MapFlag, RingBuffer } from '../../src/bpf/index.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { buildBpf } from '../../tools/build-bpf.ts'
import { createNumber, createRing, loadCounting, loadRecording, PACKET } from './bpf-programs.ts'

const netns = `seawall-leaks-${process.pid}`

before(() => {
  buildBpf({ root: '.' })
  createNetns(netns)
  ipBatch(netns, ['link add sea0 type veth peer name sea1'])
})
after(() => removeNetns(netns))

/** Everything of the kernel's that this process holds. */
function held(): { readonly descriptors: string[]; readonly mappings: number } {
  const descriptors = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return /bpf|net:/.test(target) ? [target] : []
    } catch {
      return []
    }
  })
  const maps = readFileSync('/proc/self/maps', 'utf8')
  return { descriptors, mappings: maps.split('\n').filter((line) => line.includes('bpf')).length }
}

/** Ids of all maps and programs of these names in the kernel. */
function inKernel(names: readonly string[]): number[] {
  return ['map', 'prog'].flatMap((kind) => {
    const list = JSON.parse(execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', maxBuffer: 64 << 20 }))
    return (list as { id: number; name?: string }[]).filter(({ name = '' }) => names.includes(name)).map(({ id }) => id)
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
  const writer = await loadRecording(ringMap, map, 8)
  const listener = ring.listen(() => {})
  writer.testRun({ data: PACKET, repeat: 3 })
  return [map, map.clone(), program, program.clone(), link, ringMap, ring, writer, listener]
}

test('Handles can be closed in any order, each more than once, and leave nothing', async () => {
  await closeIn(await openAll(), [])
  const before = held()
  const order = fc.array(fc.nat(8), { minLength: 0, maxLength: 20 })
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
  const names = [`leak${process.pid}`.slice(0, 15)]
  const map = BpfMap.create({ kind: 'array', name: names[0]!, keySize: 4, valueSize: 8, maxEntries: 1 })
  assert.equal(inKernel(names).length, 1)
  map.close()
  for (let tries = 0; tries < 100 && inKernel(names).length > 0; tries++) await sleep(20)
  assert.deepEqual(inKernel(names), [])
})
