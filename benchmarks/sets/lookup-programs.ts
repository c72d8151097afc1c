import { BpfMap, MapFlag, Program } from '../../src/bpf/index.ts'
import { Assembler, fp, Helper, type Label, r0, r1, r2, r3, r6, r7 } from '../../src/rules/asm/index.ts'
import { emitLookup4, emitLookup6, LOOKUP6_STACK, type SetGeometry } from '../../src/rules/sets/index.ts'
import { type Contents, numbers } from './contents.ts'

/** `random`: any address; `member`: another element of the set each time; `hot`: the same element always. */
export type Keys = 'random' | 'member' | 'hot'

/** Jumps to one of the labels; the address is in r1 (and, for IPv6, its lower half in r2). */
export type Lookup = (asm: Assembler, hit: Label, miss: Label) => void

const LOG_MEMBERS = 20
export const XDP_DROP = 1

/** Programs that make a key for each packet and look it up, or, as their floor, only make it. */
export class LookupPrograms {
  readonly #maps = new Map<string, BpfMap>()
  readonly #programs: Program[] = []
  readonly #family: 4 | 6

  constructor(contents: Contents) {
    this.#family = contents.family
    this.memory('state', 16).fill(0x5e)
    const random = numbers(9)
    const view = this.memory('members', 2 ** LOG_MEMBERS * this.#keySize)
    const words = new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4)
    for (let i = 0; i < 2 ** LOG_MEMBERS; i++) {
      const [first, second, third, fourth] = contents.member(random)
      if (this.#family === 4) words[i] = first!
      // As two numbers in the machine's order.
      else words.set([second!, first!, fourth!, third!], i * 4)
    }
  }

  get #keySize(): 4 | 16 {
    return this.#family === 4 ? 4 : 16
  }

  /** A map of one element that programs name by `symbol`. */
  memory(symbol: string, bytes: number): Uint8Array {
    const map = BpfMap.create({
      kind: 'array',
      name: symbol,
      keySize: 4,
      valueSize: Math.ceil(bytes / 8) * 8,
      maxEntries: 1,
      flags: MapFlag.mmapable,
    })
    this.#maps.set(symbol, map)
    return map.mmap()
  }

  /** Takes over a map that programs name by `symbol`. */
  add(symbol: string, map: BpfMap): void {
    this.#maps.set(symbol, map)
  }

  /** A program that drops what it finds and passes the rest; without `lookup` it drops all. */
  async load(keys: Keys, lookup?: Lookup): Promise<Program> {
    const asm = new Assembler()
    const [hit, miss] = [asm.label('hit'), asm.label('miss')]
    this.#emitKey(asm, keys)
    lookup?.(asm, hit, miss)
    asm.bind(hit)
    // The key counts as used, or the floor would be cheaper than it is.
    asm.store('u64', r7, 8, r1)
    asm.mov(r0, XDP_DROP)
    asm.exit()
    if (lookup) {
      asm.bind(miss)
      asm.mov(r0, XDP_DROP + 1)
      asm.exit()
    }
    const instructions = asm.assemble((symbol) => this.#maps.get(symbol)!.fd)
    const program = await Program.load({ type: 'xdp', name: 'lookup', instructions, license: 'GPL' })
    this.#programs.push(program)
    return program
  }

  close(): void {
    for (const program of this.#programs) program.close()
    for (const map of this.#maps.values()) map.close()
  }

  #emitKey(asm: Assembler, keys: Keys): void {
    asm.loadMapValue(r7, 'state')
    if (keys === 'hot') asm.mov(r1, 0)
    else emitRandom(asm)
    if (keys !== 'random') {
      asm.alu('rsh', r1, 64 - LOG_MEMBERS)
      asm.alu('lsh', r1, Math.log2(this.#keySize))
      asm.loadMapValue(r3, 'members')
      asm.alu('add', r3, r1)
      asm.load(this.#family === 4 ? 'u32' : 'u64', r1, r3, 0)
      if (this.#family === 6) asm.load('u64', r2, r3, 8)
    } else if (this.#family === 4) {
      asm.alu('rsh', r1, 32)
    } else {
      // Of 2000::/4, where addresses are in use.
      asm.mov(r2, r1)
      asm.alu('rsh', r1, 4)
      asm.constant(r0, 2n << 60n)
      asm.alu('or', r1, r0)
    }
  }
}

/** r1 = the next of a sequence of random numbers (xorshift64) kept at r7. */
function emitRandom(asm: Assembler): void {
  asm.load('u64', r6, r7, 0)
  for (const [op, bits] of [
    ['lsh', 13],
    ['rsh', 7],
    ['lsh', 17],
  ] as const) {
    asm.mov(r0, r6)
    asm.alu(op, r0, bits)
    asm.alu('xor', r6, r0)
  }
  asm.store('u64', r7, 0, r6)
  asm.mov(r1, r6)
}

/** Seawall's own lookup, in the map `set`. */
export function ownLookup(family: 4 | 6, geometry: SetGeometry): Lookup {
  return (asm, hit, miss) =>
    family === 4
      ? emitLookup4(asm, 'set', geometry, hit, miss)
      : emitLookup6(asm, 'set', geometry, hit, miss, -LOOKUP6_STACK)
}

/** A kernel map, by helper: `hash` has the address as its key, in network order; `lpm` has a length before it. */
export function mapLookup(family: 4 | 6, symbol: 'hash' | 'lpm'): Lookup {
  return (asm, hit, miss) => {
    const start = -24
    if (family === 4) {
      asm.swap(r1, 32)
      asm.storeStack('u32', start + 4, r1)
    } else {
      asm.swap(r1, 64)
      asm.swap(r2, 64)
      // After a length of 4 bytes the halves are not aligned to 8.
      for (const [half, at] of [
        [r1, 4],
        [r2, 12],
      ] as const) {
        asm.storeStack('u32', start + at, half)
        asm.alu('rsh', half, 32)
        asm.storeStack('u32', start + at + 4, half)
      }
    }
    asm.storeStack('u32', start, family === 4 ? 32 : 128)
    asm.mov(r2, fp)
    asm.alu('add', r2, symbol === 'lpm' ? start : start + 4)
    asm.loadMap(r1, symbol)
    asm.call(Helper.mapLookup)
    asm.mov(r1, 0)
    asm.jumpIf(r0, '==', 0, miss)
    asm.jump(hit)
  }
}
