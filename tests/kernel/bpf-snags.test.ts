import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import koffi from 'koffi'
import { BpfMap, BpfObject, Link, MapFlag, Program, RingBuffer, VerifierError } from '../../src/bpf/index.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { findInterface, ipBatch } from '../../src/linux/interface.ts'
import { createNetns, currentNetnsId, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { buildBpf } from '../../tools/build-bpf.ts'
import {
  createNumber,
  createNumbers,
  createRing,
  loadCounting,
  loadRecording,
  loadReturning,
  longInstructions,
  PACKET,
  readU64,
  record,
  runTimes,
  u32,
  u64,
  XDP_PASS,
} from './bpf-programs.ts'

// What goes wrong with libbpf and a foreign function interface in Node, one test each (docs/bpf.md).

const netns = `seawall-snags-${process.pid}`

before(() => {
  mountBpffs()
  buildBpf({ root: '.' })
  createNetns(netns)
  ipBatch(netns, ['link add sea0 type veth peer name sea1', 'link set sea0 up', 'link set sea1 up'])
})
after(() => removeNetns(netns))

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** Many instructions, of which the last but one reads from a number: a log of many lines. */
function unsafe(): Uint8Array {
  const instructions = longInstructions(5000)
  instructions.set([0x71, 0, 0, 0, 0, 0, 0, 0], instructions.length - 16)
  return instructions
}

test('1. BpfObject.load() hears what libbpf prints with a va_list, numbers and texts put in', async () => {
  const image = readFileSync('build/tests/fixtures/shapes.bpf.o')
  await assert.rejects(BpfObject.load(image.subarray(0, 500), { name: 'cut' }), (error: Error) => {
    assert.match(error.message, /load object "cut".*libbpf: /)
    assert.doesNotMatch(error.message, /%[sdlu]/)
    return true
  })
})

test('2. Program.load() keeps the memory of the verifier’s log while garbage is collected', async () => {
  const interval = setInterval(collectGarbage, 1)
  try {
    const loading = Array.from({ length: 4 }, () =>
      Program.load({ type: 'xdp', name: 'unsafe', instructions: unsafe(), license: 'GPL' }),
    )
    for (const result of await Promise.allSettled(loading)) {
      assert.ok(result.status === 'rejected' && result.reason instanceof VerifierError)
      assert.match(result.reason.summary, /^R0 invalid mem access 'scalar' at instruction 5001/)
      assert.ok(result.reason.log.length > 5000)
    }
  } finally {
    clearInterval(interval)
  }
})

test('3. Program.testRun() makes its options anew for each call, so that none sees another’s sizes', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  for (const length of [14, 2000, 60, 1514, 14]) {
    const data = new Uint8Array(length).fill(length % 251)
    assert.deepEqual(program.testRun({ data }).data, data)
  }
})

test('4. BpfError has the reason of its own call, whatever was called between', async () => {
  using map = createNumber()
  assert.throws(() => map.mmap(), { errno: 'EINVAL' })
  assert.throws(() => BpfMap.openPinned('/sys/fs/bpf/no/such/pin'), { errno: 'ENOENT' })
  using frozen = createNumber(MapFlag.mmapable)
  frozen.freeze()
  readFileSync('/proc/self/stat')
  assert.throws(() => frozen.mmap(), { errno: 'EPERM' })
  await assert.rejects(BpfObject.load(new Uint8Array(100)), { errno: 'LIBBPF_FORMAT' })
})

test('5. BpfObject.map() of global data is live after the load', async () => {
  using object = await BpfObject.load(readFileSync('build/tests/fixtures/shapes.bpf.o'), { programs: ['copy_event'] })
  const memory = object.map('.bss').mmap()
  assert.equal(readU64(memory), 0n)
  runTimes(object.program('copy_event'), 4)
  assert.equal(readU64(memory), 40n)
})

test('6. Program.attachXdp() takes an index of the namespace it is called in, and threads stay behind', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  const { ifindex } = findInterface(netns, 'sea0')
  using link = inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' }))
  assert.equal(link.info().ifindex, ifindex)
  const outside = currentNetnsId()
  const running = inNetns(netns, () => {
    const promise = program.testRunAsync({ data: PACKET })
    return { promise }
  })
  assert.equal((await running.promise).result, XDP_PASS)
  assert.equal(currentNetnsId(), outside)
})

test('7. BpfMap, Program, Link and RingBuffer refuse to be used after they are closed', async () => {
  const map = createNumber(MapFlag.mmapable)
  const program = await loadCounting(map)
  const link = inNetns(netns, () => program.attachXdp({ ifindex: 1, mode: 'generic' }))
  const ringMap = createRing(4096)
  const ring = RingBuffer.open(ringMap)
  for (const handle of [map, program, link, ringMap, ring]) {
    handle.close()
    handle.close()
  }
  // Their numbers now belong to other files, which must not be touched.
  const files = Array.from({ length: 8 }, () => openSync('/dev/null', 'r'))
  try {
    const uses = [
      () => map.getRaw(u32(0)),
      () => map.mmap(),
      () => program.testRun({ data: PACKET }),
      () => link.update(program),
      () => RingBuffer.open(ringMap),
      () => ring.consume(() => {}),
      () => ring.listen(() => {}),
    ]
    for (const use of uses) assert.throws(use, { code: 'BPF_CLOSED' }, String(use))
  } finally {
    for (const file of files) closeSync(file)
  }
})

test('7. BpfMap.mmap() gives a view that is safe to read and write after the map is closed', async () => {
  const map = createNumber(MapFlag.mmapable)
  const memory = map.mmap()
  memory.set(u64(5n))
  map.close()
  assert.equal(readU64(memory), 0n)
  memory.set(u64(6n))
  collectGarbage()
  assert.equal(readU64(memory), 6n)
})

test('8. BpfMap never lets the kernel write beyond a buffer', async () => {
  using map = BpfMap.create({ kind: 'percpu_hash', name: 'odd', keySize: 5, valueSize: 13, maxEntries: 4 })
  assert.equal(map.rawSize % 16, 0)
  const key = new Uint8Array(5)
  map.setRaw(key, new Uint8Array(map.rawSize).fill(0xee))
  assert.equal(map.getRaw(key)!.length, map.rawSize)
  assert.ok(map.getPerCpu(key)!.every((value) => value.length === 13 && value.every((byte) => byte === 0xee)))
  assert.throws(() => map.setRaw(key, new Uint8Array(13)), { code: 'BPF_SIZE' })
})

test('9. BpfMap, Program and Link are not taken for one another', async () => {
  using map = createNumber()
  using program = await loadReturning('xdp', XDP_PASS)
  const folder = '/sys/fs/bpf/seawall-test-snags'
  map.pin(`${folder}-map-${process.pid}`)
  program.pin(`${folder}-program-${process.pid}`)
  try {
    assert.throws(() => Program.openPinned(`${folder}-map-${process.pid}`), { code: 'BPF_KIND' })
    assert.throws(() => BpfMap.openPinned(`${folder}-program-${process.pid}`), { code: 'BPF_KIND' })
    assert.throws(() => Link.openPinned(`${folder}-program-${process.pid}`), { code: 'BPF_KIND' })
    // @ts-expect-error a map is no program
    assert.throws(() => inNetns(netns, () => Link.attachXdp(map, { ifindex: 1, mode: 'generic' })))
  } finally {
    unlinkSync(`${folder}-map-${process.pid}`)
    unlinkSync(`${folder}-program-${process.pid}`)
  }
})

test('10. Program.load() lets the event loop go on while the verifier works', async () => {
  let turns = 0
  const interval = setInterval(() => turns++, 0)
  const instructions = longInstructions(200_000)
  using program = await Program.load({ type: 'xdp', name: 'long', instructions, license: 'GPL' })
  clearInterval(interval)
  assert.ok(program.verifiedInstructions() > 200_000)
  assert.ok(turns > 0)
})

test('11. RingBuffer.listen() takes all records in portions, though a reader throws at each', async () => {
  using map = createRing(1 << 16)
  using ring = RingBuffer.open(map)
  using numbers = createNumbers()
  using writer = await loadRecording(map, numbers, 8)
  record(writer, numbers, 300)
  let errors = 0
  const throwing = () => {
    throw new Error('reader')
  }
  using _listener = ring.listen(throwing, { budget: 7, onError: () => errors++ })
  for (let tries = 0; tries < 500 && errors < 300; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(errors, 300)
})

test('12. koffi is the one version that all this was tried with', () => {
  const { dependencies } = createRequire(import.meta.url)('../../package.json') as { dependencies: { koffi: string } }
  assert.match(dependencies.koffi, /^\d+\.\d+\.\d+$/)
  assert.equal(koffi.version, dependencies.koffi)
  assert.equal(typeof koffi.node.poll, 'function')
  assert.equal(typeof koffi.alloc('char', 1), 'bigint')
})
