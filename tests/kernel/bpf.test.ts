import assert from 'node:assert/strict'
import { existsSync, unlinkSync } from 'node:fs'
import { before, test } from 'node:test'
import { BpfMap, cpuCount, Link, MapFlag, Program, typed, U32, U64, Update } from '../../src/bpf/index.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import {
  createNumber,
  loadCounting,
  loadJumping,
  loadReturning,
  PACKET,
  readU64,
  runTimes,
  u32,
  u64,
  XDP_DROP,
  XDP_PASS,
} from './bpf-programs.ts'

const pin = `/sys/fs/bpf/seawall-test-bpf-${process.pid}`

before(() => mountBpffs())

function createHash(maxEntries = 8): BpfMap {
  return BpfMap.create({ kind: 'hash', name: 'hash', keySize: 4, valueSize: 8, maxEntries })
}

test('BpfMap.create() makes a map that describes itself', () => {
  using map = BpfMap.create({ kind: 'lru_hash', name: 'set:blocked.hosts', keySize: 8, valueSize: 3, maxEntries: 100 })
  const { kind, name, keySize, valueSize, maxEntries } = map
  assert.deepEqual(
    { kind, name, keySize, valueSize, maxEntries },
    {
      kind: 'lru_hash',
      name: 'set_blocked.hos',
      keySize: 8,
      valueSize: 3,
      maxEntries: 100,
    },
  )
  using again = BpfMap.openId(map.id)
  assert.equal(again.id, map.id)
})

test('BpfMap.create() says what the kernel refused and why', () => {
  assert.throws(() => BpfMap.create({ kind: 'array', name: 'wide', keySize: 8, valueSize: 8, maxEntries: 1 }), {
    name: 'BpfError',
    code: 'BPF_REFUSED',
    errno: 'EINVAL',
    operation: 'create array map "wide"',
  })
})

test('BpfMap gives back what was set, and nothing for what was deleted', () => {
  using map = createHash()
  assert.equal(map.getRaw(u32(7)), undefined)
  map.setRaw(u32(7), u64(49n))
  assert.deepEqual(map.getRaw(u32(7)), u64(49n))
  assert.deepEqual([map.deleteRaw(u32(7)), map.deleteRaw(u32(7))], [true, false])
  assert.equal(map.getRaw(u32(7)), undefined)
})

test('BpfMap.setRaw() can refuse to replace, and refuse to add', () => {
  using map = createHash()
  assert.throws(() => map.setRaw(u32(1), u64(1n), Update.ifPresent), { errno: 'ENOENT' })
  map.setRaw(u32(1), u64(1n), Update.ifMissing)
  assert.throws(() => map.setRaw(u32(1), u64(2n), Update.ifMissing), { errno: 'EEXIST' })
})

test('BpfMap.setRaw() says so when a map is full, and LRU maps make room', () => {
  using full = createHash(2)
  full.setRaw(u32(1), u64(1n))
  full.setRaw(u32(2), u64(2n))
  assert.throws(() => full.setRaw(u32(3), u64(3n)), { errno: 'E2BIG' })
  using lru = BpfMap.create({ kind: 'lru_hash', name: 'lru', keySize: 4, valueSize: 8, maxEntries: 64 })
  for (let key = 0; key < 1000; key++) lru.setRaw(u32(key), u64(1n))
  assert.deepEqual(lru.getRaw(u32(999)), u64(1n))
  assert.ok([...lru.keys()].length <= 64)
})

test('BpfMap refuses keys and values of other sizes than its own', () => {
  using map = createHash()
  assert.throws(() => map.getRaw(new Uint8Array(3)), { code: 'BPF_SIZE', message: /3 bytes \(wanted 4\)/ })
  assert.throws(() => map.setRaw(u32(1), new Uint8Array(9)), { code: 'BPF_SIZE' })
  assert.throws(() => map.deleteRaw(new Uint8Array(5)), { code: 'BPF_SIZE' })
  assert.throws(() => map.setBatch(new Uint8Array(8), new Uint8Array(8)), { code: 'BPF_SIZE' })
  assert.throws(() => map.setBatch(new Uint8Array(6), new Uint8Array(8)), { code: 'BPF_SIZE' })
})

test('BpfMap of a per-CPU kind has one value a CPU, of which a program changes its own', async () => {
  using map = BpfMap.create({ kind: 'percpu_array', name: 'percpu', keySize: 4, valueSize: 8, maxEntries: 1 })
  using program = await loadCounting(map)
  map.setRaw(u32(0), new Uint8Array(map.rawSize))
  runTimes(program, 5)
  const values = map.getPerCpu(u32(0))!
  assert.equal(values.length, cpuCount)
  assert.equal(
    values.reduce((sum, value) => sum + readU64(value), 0n),
    5n,
  )
  assert.equal(map.getRaw(u32(0))!.length, 8 * cpuCount)
})

test('BpfMap rounds the values of each CPU up to 8 bytes', () => {
  using map = BpfMap.create({ kind: 'percpu_array', name: 'percpu', keySize: 4, valueSize: 3, maxEntries: 1 })
  const raw = new Uint8Array(8 * cpuCount).map((_, index) => index)
  map.setRaw(u32(0), raw)
  assert.deepEqual(
    map.getPerCpu(u32(0))!.map((value) => [...value]),
    Array.from({ length: cpuCount }, (_, cpu) => [8 * cpu, 8 * cpu + 1, 8 * cpu + 2]),
  )
})

test('BpfMap of kind lpm_trie finds the longest prefix', () => {
  using map = BpfMap.create({
    kind: 'lpm_trie',
    name: 'prefixes',
    keySize: 8,
    valueSize: 4,
    maxEntries: 4,
    flags: MapFlag.noPreallocation,
  })
  const key = (length: number, ...address: number[]) => Uint8Array.of(length, 0, 0, 0, ...address)
  map.setRaw(key(8, 10, 0, 0, 0), u32(8))
  map.setRaw(key(24, 10, 1, 2, 0), u32(24))
  const found = [key(32, 10, 1, 2, 3), key(32, 10, 9, 9, 9), key(32, 11, 0, 0, 0)].map((one) => map.getRaw(one)?.[0])
  assert.deepEqual(found, [24, 8, undefined])
})

test('BpfMap.mmap() is the memory that programs see', async () => {
  using map = createNumber(MapFlag.mmapable)
  using program = await loadCounting(map)
  const memory = map.mmap()
  assert.equal(map.mmap(), memory)
  runTimes(program, 3)
  assert.equal(readU64(memory), 3n)
  memory.set(u64(100n))
  program.testRun({ data: PACKET })
  assert.equal(readU64(map.getRaw(u32(0))!), 101n)
})

test('BpfMap.setBatch() and batches() move many elements, and let other work go on', async () => {
  using map = createHash(20_000)
  const count = 10_000
  const keys = new Uint32Array(count).map((_, index) => index)
  const values = new BigUint64Array(count).map((_, index) => BigInt(index) * 3n)
  map.setBatch(new Uint8Array(keys.buffer), new Uint8Array(values.buffer))
  let turns = 0
  const interval = setInterval(() => turns++, 0)
  const found = new Map<number, bigint>()
  for await (const batch of map.batches(512)) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    for (let index = 0; index < batch.count; index++)
      found.set(
        new DataView(batch.keys.buffer, batch.keys.byteOffset).getUint32(4 * index, true),
        readU64(batch.values, 8 * index),
      )
  }
  clearInterval(interval)
  assert.equal(found.size, count)
  assert.ok([...found].every(([key, value]) => value === BigInt(key) * 3n))
  assert.ok(turns > 0)
  map.deleteBatch(new Uint8Array(keys.buffer))
  assert.deepEqual([...map.keys()], [])
})

test('BpfMap.batches() grows its batch when the kernel asks for more room', async () => {
  using map = createHash(1000)
  for (let key = 0; key < 1000; key++) map.setRaw(u32(key), u64(1n))
  let count = 0
  for await (const batch of map.batches(1)) count += batch.count
  assert.equal(count, 1000)
})

test('BpfMap of maps takes maps like its pattern, and gives their ids', () => {
  using inner = createNumber()
  using outer = BpfMap.create({ kind: 'hash_of_maps', name: 'outer', keySize: 4, valueSize: 4, maxEntries: 2, inner })
  using other = createNumber()
  outer.setRaw(u32(5), u32(other.fd))
  assert.deepEqual(outer.getRaw(u32(5)), u32(other.id))
  using wrong = createHash()
  assert.throws(() => outer.setRaw(u32(6), u32(wrong.fd)), { errno: 'EINVAL' })
})

test('BpfMap of programs is where a program jumps', async () => {
  using stages = BpfMap.create({ kind: 'prog_array', name: 'stages', keySize: 4, valueSize: 4, maxEntries: 1 })
  using entry = await loadJumping(stages)
  using stage = await loadReturning('xdp', XDP_DROP)
  assert.equal(entry.testRun({ data: PACKET }).result, XDP_PASS)
  stages.setRaw(u32(0), u32(stage.fd))
  assert.equal(entry.testRun({ data: PACKET }).result, XDP_DROP)
  assert.deepEqual(stages.getRaw(u32(0)), u32(stage.id))
  stages.deleteRaw(u32(0))
  assert.equal(entry.testRun({ data: PACKET }).result, XDP_PASS)
})

test('BpfMap.openPinned() opens what pin() made', () => {
  using map = createHash()
  map.setRaw(u32(1), u64(11n))
  map.pin(pin)
  try {
    using again = BpfMap.openPinned(pin)
    assert.deepEqual(again.getRaw(u32(1)), u64(11n))
    assert.throws(() => map.pin(pin), { code: 'BPF_REFUSED', errno: 'EEXIST' })
    assert.throws(() => Program.openPinned(pin), { code: 'BPF_KIND', message: /a map is pinned there/ })
    assert.throws(() => Link.openPinned(pin), { code: 'BPF_KIND' })
  } finally {
    unlinkSync(pin)
  }
  assert.ok(!existsSync(pin))
  assert.throws(() => BpfMap.openPinned(pin), { code: 'BPF_REFUSED', errno: 'ENOENT', message: new RegExp(pin) })
})

test('BpfMap.freeze() leaves writing to programs', async () => {
  using map = createNumber()
  using program = await loadCounting(map)
  map.freeze()
  assert.throws(() => map.setRaw(u32(0), u64(9n)), { errno: 'EPERM' })
  program.testRun({ data: PACKET })
  assert.equal(readU64(map.getRaw(u32(0))!), 1n)
})

test('typed() gives a map keys and values of types', async () => {
  using map = createHash()
  const ports = typed(map, U32, U64)
  ports.set(53, 1n)
  ports.set(80, 2n)
  assert.deepEqual([ports.get(53), ports.get(54)], [1n, undefined])
  assert.deepEqual([...ports.keys()].sort(), [53, 80])
  const entries: [number, bigint][] = []
  for await (const entry of ports.entries()) entries.push(entry)
  assert.deepEqual(
    entries.sort(([a], [b]) => a - b),
    [
      [53, 1n],
      [80, 2n],
    ],
  )
  assert.equal(ports.delete(53), true)
  assert.throws(() => typed(map, U64, U64), { code: 'BPF_SIZE', message: /8 and 8 bytes here and 4 and 8/ })
})
