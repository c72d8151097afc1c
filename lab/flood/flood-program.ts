import type { BpfObject, Link, Program } from '../../src/bpf/index.ts'
import type { Interface } from '../../src/linux/interface.ts'
import { inNetns, type Netns } from '../../src/linux/netns.ts'
import { loadLabObject } from '../object.ts'
import type { PatternSent } from './messages.ts'
import { encodePattern, MAX_FRAME, type Pattern } from './pattern.ts'
import { SCHEDULE_LENGTH, schedule } from './schedule.ts'

/** Offsets in `struct control` of lab/bpf/flood.bpf.c. */
const RANDOM = 0
const GAP_NS = 8
const IFINDEX = 24
const SCHEDULE = 32
const SENT = SCHEDULE + SCHEDULE_LENGTH
const SENT_SIZE = 16

/** Loopback has this index in every namespace. */
const LOOPBACK = 1
/** Frames between two runs of soft interrupts: more would hold up clients on the same CPU, fewer cost more wake-ups. */
const BATCH = 64

export interface FloodProgramOptions {
  readonly patterns: readonly Pattern[]
  /** The interface to send out of. */
  readonly interface: Interface
  /** 1 to 2^32 - 1. */
  readonly seed: number
}

/** The flood program, loaded, in the namespace of its interface. */
export class FloodProgram {
  readonly #object: BpfObject
  readonly #program: Program
  readonly #link: Link
  readonly #patterns: readonly Pattern[]
  readonly #netns: Netns
  readonly #control: DataView
  readonly #context = new Uint8Array(24)

  private constructor(object: BpfObject, link: Link, options: FloodProgramOptions) {
    this.#object = object
    this.#link = link
    this.#program = object.program('flood')
    this.#netns = options.interface.netns
    this.#patterns = options.patterns
    const memory = object.map('control').mmap()
    this.#control = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
    this.#control.setBigUint64(RANDOM, BigInt(options.seed), true)
    this.#control.setUint32(IFINDEX, options.interface.ifindex, true)
    this.choose()
    new DataView(this.#context.buffer).setUint32(4, MAX_FRAME, true)
  }

  /**
   * Attached to loopback, where nothing comes by: a test run of a program that is attached nowhere waits 16 ms for the
   * kernel's XDP dispatcher, each time.
   */
  static async load(options: FloodProgramOptions): Promise<FloodProgram> {
    const object = await loadLabObject('flood')
    try {
      const patterns = object.map('patterns')
      options.patterns.forEach((pattern, index) => {
        patterns.setRaw(Uint8Array.of(index, 0, 0, 0), encodePattern(pattern))
      })
      const program = object.program('flood')
      const link = inNetns(options.interface.netns, () => program.attachXdp({ ifindex: LOOPBACK, mode: 'generic' }))
      return new FloodProgram(object, link, options)
    } catch (cause) {
      object.close()
      throw cause
    }
  }

  /** Mixes only some patterns from now on; all by default. */
  choose(names: readonly string[] = this.#patterns.map(({ name }) => name)): void {
    const weights = this.#patterns.map(({ name, weight }) => (names.includes(name) ? weight : 0))
    if (weights.every((weight) => weight === 0)) {
      throw new RangeError(`Cannot send patterns "${names.join(', ')}": none of them is one that was loaded`)
    }
    const { buffer, byteOffset } = this.#control
    new Uint8Array(buffer, byteOffset + SCHEDULE).set(schedule(weights))
  }

  setRate(packetsPerSecond: number): void {
    this.#control.setBigUint64(GAP_NS, BigInt(Math.floor(1e9 / packetsPerSecond)), true)
  }

  /**
   * Sends up to so many packets, each when it is due, and returns when the last is sent.
   *
   * @returns how many were sent; less if the rate is so low that the kernel would have to wait for long.
   */
  send(packets: number): number {
    const before = this.#total()
    const data = new Uint8Array(MAX_FRAME)
    const run = { data, context: this.#context, repeat: packets, liveFrames: true, batchSize: BATCH }
    inNetns(this.#netns, () => this.#program.testRun(run))
    return this.#total() - before
  }

  /** One packet, given back instead of sent. */
  make(): Uint8Array {
    return this.#program.testRun({ data: new Uint8Array(MAX_FRAME) }).data
  }

  sent(): PatternSent[] {
    return this.#patterns.map(({ name }, index) => ({
      name,
      packets: Number(this.#control.getBigUint64(SENT + index * SENT_SIZE, true)),
      bytes: Number(this.#control.getBigUint64(SENT + index * SENT_SIZE + 8, true)),
    }))
  }

  close(): void {
    this.#link.close()
    this.#object.close()
  }

  #total(): number {
    return this.sent().reduce((sum, { packets }) => sum + packets, 0)
  }
}
