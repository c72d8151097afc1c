import { addressOf } from './ffi/memory.ts'

/** A packet for BPF_PROG_TEST_RUN, and how to run it. */
export interface TestRunOptions {
  /** At least 14 bytes, an Ethernet header; empty for `sk_lookup`, which sees no packet. */
  readonly data: Uint8Array
  /** How often; 1 if not said. `durationNs` is the average. */
  readonly repeat?: number
  /** `struct xdp_md`, `struct __sk_buff` or `struct bpf_sk_lookup` as the program finds it. */
  readonly context?: Uint8Array
  readonly cpu?: number
  /** Packets take effect: what the program passes, sends or redirects goes there. */
  readonly liveFrames?: boolean
  /** Frames in one run of soft interrupts, with live frames. */
  readonly batchSize?: number
}

export interface TestRunResult {
  /** What the program returned. */
  readonly result: number
  /** The packet afterwards; empty with live frames. */
  readonly data: Uint8Array
  /** The context afterwards; empty where there was a packet. */
  readonly context: Uint8Array
  /** Whole nanoseconds a run, as the kernel measured. */
  readonly durationNs: number
}

/** `struct bpf_test_run_opts` of libbpf 1.1. */
const SIZE = 80
const DATA_IN = 8
const DATA_OUT = 16
const DATA_SIZE_IN = 24
const DATA_SIZE_OUT = 28
const CONTEXT_IN = 32
const CONTEXT_OUT = 40
const CONTEXT_SIZE_IN = 48
const CONTEXT_SIZE_OUT = 52
const RESULT = 56
const REPEAT = 60
const DURATION = 64
const FLAGS = 68
const CPU = 72
const BATCH = 76

const RUN_ON_CPU = 1 << 0
const LIVE_FRAMES = 1 << 1

/** No packet of one page grows beyond this. */
const ROOM = 4096

/** One test run: what C reads and writes, held together as long as this lives. */
export class TestRun {
  readonly options = new Uint8Array(SIZE)
  readonly #view = new DataView(this.options.buffer)
  readonly #out: Uint8Array
  readonly #context: Uint8Array
  /** Node would free them otherwise. */
  readonly #held: readonly (Uint8Array | undefined)[]

  constructor(options: TestRunOptions) {
    const { data, repeat = 1, context, cpu, liveFrames = false, batchSize = 0 } = options
    const view = this.#view
    const withoutPacket = liveFrames || data.length === 0
    this.#out = new Uint8Array(withoutPacket ? 0 : data.length + ROOM)
    this.#context = new Uint8Array(data.length === 0 ? (context?.length ?? 0) : 0)
    this.#held = [data, context]
    view.setBigUint64(0, BigInt(SIZE), true)
    if (data.length > 0) view.setBigUint64(DATA_IN, addressOf(data), true)
    view.setUint32(DATA_SIZE_IN, data.length, true)
    view.setUint32(REPEAT, repeat, true)
    view.setUint32(FLAGS, (liveFrames ? LIVE_FRAMES : 0) | (cpu === undefined ? 0 : RUN_ON_CPU), true)
    view.setUint32(CPU, cpu ?? 0, true)
    view.setUint32(BATCH, batchSize, true)
    if (!withoutPacket) {
      view.setBigUint64(DATA_OUT, addressOf(this.#out), true)
      view.setUint32(DATA_SIZE_OUT, this.#out.length, true)
    }
    if (context !== undefined) {
      view.setBigUint64(CONTEXT_IN, addressOf(context), true)
      view.setUint32(CONTEXT_SIZE_IN, context.length, true)
    }
    if (this.#context.length > 0) {
      view.setBigUint64(CONTEXT_OUT, addressOf(this.#context), true)
      view.setUint32(CONTEXT_SIZE_OUT, this.#context.length, true)
    }
  }

  /** Bytes of the packet that go in. */
  get length(): number {
    return this.#held[0]!.length
  }

  result(): TestRunResult {
    const size = this.#out.length === 0 ? 0 : this.#view.getUint32(DATA_SIZE_OUT, true)
    return {
      result: this.#view.getUint32(RESULT, true),
      data: this.#out.subarray(0, size),
      context: this.#context,
      durationNs: this.#view.getUint32(DURATION, true),
    }
  }
}
