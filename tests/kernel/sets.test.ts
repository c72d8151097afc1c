import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { BpfMap, MapFlag, Program } from '../../src/bpf/index.ts'
import { type Address, addressBits } from '../../src/net/address.ts'
import { type Prefix, prefixOf } from '../../src/net/prefix.ts'
import { Assembler, type Label, r0, r1, r2, r6, r7, r8 } from '../../src/rules/asm/index.ts'
import {
  type BuildOptions,
  buildSet,
  emitLookup4,
  emitLookup6,
  type LiveSet,
  LOOKUP6_STACK,
  openSet,
  PrefixSet,
  SECRET_BYTES,
  type SetGeometry,
  type TableGeometry,
} from '../../src/rules/sets/index.ts'
import { anyPrefix, edges, nearbyPrefixes } from '../arbitraries/prefix.ts'
import { Random } from '../arbitraries/random.ts'

/** Set SEAWALL_LOOKUPS for less of everything, also of what is in the sets. */
const WANTED_LOOKUPS = Number(process.env.SEAWALL_LOOKUPS ?? 350_000)
const scaled = (amount: number) => Math.ceil((amount * WANTED_LOOKUPS) / 350_000)

const KEYS = 1 << 15
const PACKET = new Uint8Array(64)
const KEY_BYTES = 16

/** The same addresses in every run. */
const source = new Random(20_261_123)

/** Offsets in the map `state`. */
const NEXT = 0
const HITS = 8
const RUNS = 16

/** A set in the kernel, and a program that looks up the next address of a table at each run. */
class KernelSet {
  readonly live: LiveSet
  readonly #maps = new Map<string, BpfMap>()
  readonly #programs: Program[] = []
  readonly #geometry: SetGeometry

  /** `load`: lets changes fill the tables more than they should be, so that elements have to move. */
  constructor(set: PrefixSet, options: BuildOptions = {}, load?: number) {
    const { geometry, write } = buildSet(set, { secret: source.bytes(SECRET_BYTES), ...options })
    this.#geometry = geometry
    const view = this.#memory('set', geometry.bytes)
    write(view)
    this.live = openSet(view, load === undefined ? geometry : crowded(geometry, load))
    for (const [name, bytes] of [
      ['keys', KEYS * KEY_BYTES],
      ['found', KEYS],
      ['state', 32],
    ] as const)
      this.#memory(name, bytes)
  }

  #memory(name: string, bytes: number): Uint8Array {
    const valueSize = Math.ceil(bytes / 8) * 8
    const map = BpfMap.create({ kind: 'array', name, keySize: 4, valueSize, maxEntries: 1, flags: MapFlag.mmapable })
    this.#maps.set(name, map)
    return map.mmap()
  }

  view(name: string): DataView {
    const { buffer, byteOffset, byteLength } = this.#maps.get(name)!.mmap()
    return new DataView(buffer, byteOffset, byteLength)
  }

  async program(family: 4 | 6, count: number): Promise<Program> {
    const asm = new Assembler()
    const [hit, miss, done] = [asm.label('hit'), asm.label('miss'), asm.label('done')]
    emitNextKey(asm, family, count)
    if (family === 4) emitLookup4(asm, 'set', this.#geometry, hit, miss)
    else emitLookup6(asm, 'set', this.#geometry, hit, miss, -LOOKUP6_STACK)
    emitVerdict(asm, hit, miss, done)
    const instructions = asm.assemble((name) => this.#maps.get(name)!.fd)
    const program = await Program.load({ type: 'xdp', name: 'sets', instructions, license: 'GPL' })
    this.#programs.push(program)
    return program
  }

  writeKeys(addresses: readonly Address[]): void {
    const keys = this.view('keys')
    for (const [i, { family, value }] of addresses.entries()) {
      keys.setBigUint64(i * KEY_BYTES, family === 4 ? value : value >> 64n, true)
      keys.setBigUint64(i * KEY_BYTES + 8, BigInt.asUintN(64, value), true)
    }
  }

  close(): void {
    for (const program of this.#programs) program.close()
    for (const map of this.#maps.values()) map.close()
  }
}

function crowded(geometry: SetGeometry, load: number): SetGeometry {
  const more = (table: TableGeometry) => ({ ...table, capacity: Math.floor(load * 8 * 2 ** table.logBuckets) })
  const { table4, narrow6, wide6 } = geometry
  return { ...geometry, table4: more(table4), narrow6: more(narrow6), wide6: more(wide6) }
}

/** r6 = number of the key, r1 (and r2) = the key; r7 = &state. */
function emitNextKey(asm: Assembler, family: 4 | 6, count: number): void {
  asm.loadMapValue(r7, 'state')
  asm.load('u64', r6, r7, NEXT)
  asm.mov(r0, r6)
  asm.alu('add', r0, 1)
  asm.alu('mod', r0, count)
  asm.store('u64', r7, NEXT, r0)
  asm.alu('and', r6, KEYS - 1)
  asm.mov(r1, r6)
  asm.alu('lsh', r1, Math.log2(KEY_BYTES))
  asm.loadMapValue(r8, 'keys')
  asm.alu('add', r8, r1)
  asm.load(family === 4 ? 'u32' : 'u64', r1, r8, 0)
  if (family === 6) asm.load('u64', r2, r8, 8)
}

/** Writes down what was found, and that r6 to r9 are what they were. */
function emitVerdict(asm: Assembler, hit: Label, miss: Label, done: Label): void {
  asm.bind(hit)
  asm.load('u64', r0, r7, HITS)
  asm.alu('add', r0, 1)
  asm.store('u64', r7, HITS, r0)
  asm.mov(r0, 1)
  asm.jump(done)
  asm.bind(miss)
  asm.mov(r0, 0)
  asm.bind(done)
  asm.loadMapValue(r8, 'found')
  asm.alu('add', r8, r6)
  asm.store('u8', r8, 0, r0)
  asm.load('u64', r0, r7, RUNS)
  asm.alu('add', r0, 1)
  asm.store('u64', r7, RUNS, r0)
  asm.mov(r0, 1)
  asm.exit()
}

/** Looks addresses up in the kernel, and compares with the set; returns how many. Both answers must be among them. */
async function compare(kernel: KernelSet, set: PrefixSet, addresses: readonly Address[]): Promise<number> {
  const answers = [0, 0]
  for (const family of [4, 6] as const) {
    const mine = addresses.filter((address) => address.family === family).slice(0, KEYS)
    if (mine.length === 0) continue
    kernel.writeKeys(mine)
    kernel.view('state').setBigUint64(NEXT, 0n, true)
    const program = await kernel.program(family, mine.length)
    program.testRun({ data: PACKET, repeat: mine.length })
    const found = kernel.view('found')
    mine.forEach((address, i) => {
      const expected = set.includes(address)
      answers[Number(expected)]!++
      const text = `${family}: ${address.value.toString(16)}`
      if (i % 16 === 0) assert.equal(kernel.live.includes(address), expected, `in user space, ${text}`)
      if (found.getUint8(i) !== Number(expected)) assert.fail(`The kernel says ${!expected} of ${text}`)
    })
  }
  const [misses, hits] = answers as [number, number]
  const total = misses + hits
  if (total > KEYS) assert.ok(Math.min(misses, hits) > total / 20, `${hits} of ${total} addresses are in the set`)
  return total
}

const random = (bits: number): bigint => {
  let value = 0n
  for (let i = 0; i < bits; i += 32) value = (value << 32n) | BigInt(source.next())
  return value
}

/** Addresses in, at the edges of and far from the prefixes. */
function probes(prefixes: readonly Prefix[], count: number): Address[] {
  const near = edges(prefixes)
  const inside = prefixes.map(({ family, value, length }) => {
    const host = addressBits[family] - length
    return { family, value: value | (random(128) & ((1n << BigInt(host)) - 1n)) }
  })
  const far = Array.from({ length: Math.max(0, count - near.length - inside.length) }, (_, i) => {
    const family = i % 2 === 0 ? 4 : 6
    return { family, value: random(addressBits[family]) } as const
  })
  return [...near, ...inside, ...far]
}

test('emitLookup finds what PrefixSet includes, in small sets of any shape', async () => {
  const prefix = fc.oneof(anyPrefix, nearbyPrefixes)
  const guideBits = fc.constantFrom(16, 20, 24)
  await fc.assert(
    fc.asyncProperty(fc.array(prefix, { maxLength: 200 }), guideBits, async (list, bits) => {
      const set = new PrefixSet(list)
      const kernel = new KernelSet(set, { guideBits: bits })
      try {
        await compare(kernel, set, probes(list, 4096))
      } finally {
        kernel.close()
      }
    }),
    { numRuns: Math.max(6, scaled(24)) },
  )
})

/** Lengths of prefixes, by what they make of a set. */
const shapes: Record<string, { readonly lengths4: number[]; readonly lengths6: number[] }> = {
  hosts: { lengths4: [32], lengths6: [128] },
  networks: { lengths4: [16, 19, 20, 22, 23, 24, 24, 24], lengths6: [44, 46, 47, 48, 48, 56, 64, 64] },
  'very many lengths': {
    lengths4: Array.from({ length: 15 }, (_, i) => i + 18),
    lengths6: Array.from({ length: 81 }, (_, i) => i + 48),
  },
}

/** `count` prefixes, half of them IPv6 in few networks, so that all lengths meet in one list. */
function manyPrefixes(count: number, { lengths4, lengths6 }: { lengths4: number[]; lengths6: number[] }): Prefix[] {
  return Array.from({ length: count }, (_, i) => {
    if (i % 2 === 0) return prefixOf({ family: 4, value: random(32) }, source.pick(lengths4))
    const network = (0x2001_0db0n + (random(32) & 7n)) << 96n
    return prefixOf({ family: 6, value: network | (random(128) & ((1n << 96n) - 1n)) }, source.pick(lengths6))
  })
}

for (const [shape, lengths] of Object.entries(shapes))
  test(`emitLookup finds what PrefixSet includes, in large sets of ${shape}`, async () => {
    let compared = 0
    for (const [count, guideBits] of [
      [3000, 16],
      [30_000, 20],
      [100_000, 24],
    ] as const) {
      const list = manyPrefixes(scaled(count), lengths)
      const set = new PrefixSet(list)
      const kernel = new KernelSet(set, { guideBits })
      try {
        for (let part = 0; part < 2; part++) {
          const start = (part * scaled(9000)) % list.length
          compared += await compare(kernel, set, probes(list.slice(start, start + scaled(9000)), scaled(2 * KEYS)))
        }
      } finally {
        kernel.close()
      }
    }
    assert.ok(compared >= WANTED_LOOKUPS, `${compared} addresses`)
  })

test('openSet changes what packets find, and nothing else', async () => {
  const list = manyPrefixes(4000, shapes['very many lengths']!)
  const set = new PrefixSet(list.slice(0, 2000))
  const kernel = new KernelSet(set, { headroom: 4000 })
  try {
    for (let round = 0; round < 4; round++) {
      for (const prefix of list) {
        if (source.chance(0.5)) continue
        if (set.has(prefix)) {
          set.delete(prefix)
          assert.equal(kernel.live.delete(prefix, set), true)
        } else {
          set.add(prefix)
          assert.notEqual(kernel.live.add(prefix), 'full')
        }
      }
      await compare(kernel, set, probes(list, scaled(2 * KEYS)))
    }
  } finally {
    kernel.close()
  }
})

/** Elements that stay, prefixes that come and go around and over them, and addresses that are never in the set. */
function neighbourhood(family: 4 | 6): {
  readonly stay: Prefix[]
  readonly change: Prefix[]
  readonly never: Address[]
} {
  const network = family === 4 ? 0x0a00_0000n : 0x2001_0db8n << 96n
  const spread = family === 4 ? 22n : 72n
  const address = () => ({ family, value: network | (random(128) & ((1n << spread) - 1n)) })
  const lengths = family === 4 ? [29, 30, 31, 32, 32] : [58, 60, 64, 64, 80, 127, 128, 128]
  const wide = family === 4 ? [8, 9, 11, 12, 14, 15, 16] : [12, 15, 16, 18, 20, 31, 32]
  const some = (count: number, pool: readonly number[]) =>
    Array.from({ length: count }, () => prefixOf(address(), source.pick(pool)))
  const never = Array.from({ length: 1000 }, () => ({
    family,
    value: address().value ^ (1n << (family === 4 ? 31n : 125n)),
  }))
  return { stay: some(1200, lengths), change: [...some(1400, lengths), ...some(60, wide)], never }
}

/** Changes the set while the kernel looks addresses up; returns the changes made and the addresses found meanwhile. */
async function whileChanging(
  kernel: KernelSet,
  set: PrefixSet,
  change: readonly Prefix[],
  addresses: readonly Address[],
) {
  kernel.writeKeys(addresses)
  const state = kernel.view('state')
  for (const at of [NEXT, HITS, RUNS]) state.setBigUint64(at, 0n, true)
  const program = await kernel.program(addresses[0]!.family, addresses.length)
  let running = true
  const run = program.testRunAsync({ data: PACKET, repeat: 3_000_000 }).finally(() => (running = false))
  let changes = 0
  while (running) {
    for (let i = 0; i < 200; i++, changes++) toggle(kernel.live, set, source.pick(change))
    await setImmediate()
  }
  await run
  return { changes, hits: state.getBigUint64(HITS, true), runs: state.getBigUint64(RUNS, true) }
}

function toggle(live: LiveSet, set: PrefixSet, prefix: Prefix): void {
  if (set.delete(prefix)) live.delete(prefix, set)
  else if (live.add(prefix) !== 'full') set.add(prefix)
}

for (const family of [4, 6] as const)
  test(`openSet never hides an IPv${family} element from packets, nor shows another, while it changes`, async () => {
    const { stay, change, never } = neighbourhood(family)
    const kept = new PrefixSet(stay)
    const changing = [...new PrefixSet(change)].filter((prefix) => !kept.has(prefix))
    const set = new PrefixSet(stay)
    const kernel = new KernelSet(set, { guideBits: 16, headroom: family === 4 ? 200 : 100 }, 0.97)
    try {
      const inside = await whileChanging(kernel, set, changing, stay)
      assert.equal(inside.runs, 3_000_000n)
      assert.equal(inside.hits, inside.runs, `${inside.changes} changes`)
      const outside = await whileChanging(kernel, set, changing, never)
      assert.equal(outside.hits, 0n, `${outside.changes} changes`)
      assert.ok(inside.changes >= 1000, `${inside.changes} changes`)
      await compare(kernel, set, probes([...stay, ...changing], KEYS))
    } finally {
      kernel.close()
    }
  })
