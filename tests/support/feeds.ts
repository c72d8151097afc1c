import { BpfMap, Program } from '../../src/bpf/index.ts'
import { Assembler, Helper, type Label, r0, r1, r2, r3, r6, r7, r8 } from '../../src/rules/asm/index.ts'
import { Xdp } from '../../src/rules/compile/index.ts'
import { memory } from './load-rules.ts'

/** Ethernet, IPv4 without options, UDP. */
const IP_SOURCE = 26
const UDP_PORTS = 34
const HEADERS = 42

/** The program of a feed goes on to slot 0. */
const NEXT = 0

type Loader = (name: string, emit: (asm: Assembler) => void) => Promise<Program>

/**
 * Programs that make a packet ready and tail-call what is measured: with keys `random` every packet has another source address
 * and other ports. What the same feed costs in front of a bare XDP_DROP is the floor.
 */
export class Feeds {
  readonly #stages: BpfMap
  readonly #state: BpfMap
  readonly #drop: Program
  readonly #random: Program
  readonly #hop: Program
  readonly #load: Loader

  private constructor(
    programs: { drop: Program; random: Program; hop: Program },
    stages: BpfMap,
    state: BpfMap,
    load: Loader,
  ) {
    this.#load = load
    this.#drop = programs.drop
    this.#random = programs.random
    this.#hop = programs.hop
    this.#stages = stages
    this.#state = state
  }

  /** For programs that were loaded with the attach type `xdp`, such as those of object files, or without one: the kernel does not mix them. */
  static async create(expected: { readonly expectedAttachType?: 'xdp' } = {}): Promise<Feeds> {
    const stages = BpfMap.create({ kind: 'prog_array', name: 'feeds', keySize: 4, valueSize: 4, maxEntries: 1 })
    const state = memory('state', 64)
    state.mmap().fill(0x5e)
    const fds = { stages: stages.fd, state: state.fd }
    const load: Loader = (name, emit) => {
      const asm = new Assembler()
      emit(asm)
      const instructions = asm.assemble((symbol) => fds[symbol as keyof typeof fds])
      return Program.load({ type: 'xdp', name, instructions, license: 'Dual BSD/GPL', ...expected })
    }
    const programs = {
      drop: await load('drop', emitDrop),
      random: await load('random', emitRandom),
      hop: await load('hop', emitHop),
    }
    return new Feeds(programs, stages, state, load)
  }

  /** A bare XDP_DROP. */
  get drop(): Program {
    return this.#drop
  }

  /** Random keys in front of `program`; valid until the next call. */
  random(program: Program): Program {
    return this.#before(this.#random, program)
  }

  /** Nothing but a tail call in front of `program`; valid until the next call. */
  hop(program: Program): Program {
    return this.#before(this.#hop, program)
  }

  /** Measures with a feed that writes the whole packet anew in front of `program`, which may overwrite it. */
  async restoring<T>(packet: Uint8Array, program: Program, measure: (feed: Program) => T): Promise<T> {
    using feed = await this.#load('restore', (asm) => emitRestore(asm, packet))
    return measure(this.#before(feed, program))
  }

  #before(feed: Program, program: Program): Program {
    this.#stages.setRaw(new Uint8Array(4), new Uint8Array(Uint32Array.of(program.fd).buffer))
    return feed
  }

  close(): void {
    for (const program of [this.#drop, this.#random, this.#hop]) program.close()
    this.#stages.close()
    this.#state.close()
  }
}

function emitDrop(asm: Assembler): void {
  asm.mov(r0, Xdp.drop)
  asm.exit()
}

function emitHop(asm: Assembler): void {
  asm.mov(r6, r1)
  emitNext(asm, asm.label('out'))
}

/** To the program of slot {@link NEXT}, with the context in r6. */
function emitNext(asm: Assembler, out: Label): void {
  asm.mov(r1, r6)
  asm.loadMap(r2, 'stages')
  asm.mov(r3, NEXT)
  asm.call(Helper.tailCall)
  asm.bind(out)
  asm.mov(r0, 0)
  asm.exit()
}

/** Any source address, and ports from 16,384 up, by xorshift64 (Marsaglia 2003). */
function emitRandom(asm: Assembler): void {
  const out = asm.label('out')
  asm.mov(r6, r1)
  asm.load('u32', r1, r6, 0)
  asm.load('u32', r2, r6, 4)
  asm.mov(r3, r1)
  asm.alu('add', r3, HEADERS)
  asm.jumpIf(r3, '>', r2, out)
  asm.loadMapValue(r7, 'state')
  asm.load('u64', r8, r7, 0)
  for (const [op, bits] of [
    ['lsh', 13],
    ['rsh', 7],
    ['lsh', 17],
  ] as const) {
    asm.mov(r0, r8)
    asm.alu(op, r0, bits)
    asm.alu('xor', r8, r0)
  }
  asm.store('u64', r7, 0, r8)
  asm.store('u32', r1, IP_SOURCE, r8)
  asm.alu('rsh', r8, 32)
  // The high bytes of both ports get their second highest bit: no rule of the benchmarks names such a port.
  asm.alu('or', r8, 0x0040_0040)
  asm.store('u32', r1, UDP_PORTS, r8)
  emitNext(asm, out)
}

/**
 * The bytes of a packet, eight at a time and then one by one. An atomic instruction waits until they are in the cache: a CPU is slow to
 * read across two stores that it has just made, which packets of a network card never ask of it.
 */
function emitRestore(asm: Assembler, packet: Uint8Array): void {
  const out = asm.label('out')
  asm.mov(r6, r1)
  asm.load('u32', r7, r6, 0)
  asm.load('u32', r8, r6, 4)
  asm.mov(r0, r7)
  asm.alu('add', r0, packet.length)
  asm.jumpIf(r0, '>', r8, out)
  const view = new DataView(packet.buffer, packet.byteOffset)
  let at = 0
  for (; at + 8 <= packet.length; at += 8) {
    asm.constant(r1, view.getBigUint64(at, true))
    asm.store('u64', r7, at, r1)
  }
  for (; at < packet.length; at++) {
    asm.mov(r1, packet[at]!)
    asm.store('u8', r7, at, r1)
  }
  asm.loadMapValue(r1, 'state')
  asm.mov(r2, 1)
  asm.atomic('add', 'u64', r1, 0, r2)
  emitNext(asm, out)
}
