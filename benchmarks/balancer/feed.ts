import { type Loaded, load, type Program } from '../../src/bpf/index.ts'
import { encapsulation } from '../generated/encapsulation.ts'
import { type MeasureOptions, measureTestRun } from '../harness/measure-test-run.ts'
import type { Timing } from '../harness/timing.ts'

/** How a packet is made ready for each run. */
export interface FeedOptions {
  /** The frame that the program under test is to find. */
  readonly frame: Uint8Array
  /** Bytes that the program puts before the packet; negative: takes off. */
  readonly grows: number
  /** Flows that are stepped through. */
  readonly flows?: number
  /** Where the IP header is whose source address, and behind whose 20 or 40 bytes the source port, is stepped. */
  readonly ip?: number
}

const ETHERNET = 14
/** Bytes that the feed writes at most. */
const HEADERS = 96

export const Verdict = { pass: 2, tx: 3 } as const

/** Puts a packet back between runs, and measures what a program takes for it beyond that. */
export class Feed {
  readonly #loaded: Loaded<typeof encapsulation>
  readonly #data: Uint8Array

  static async create(options: FeedOptions): Promise<Feed> {
    const { frame, grows, flows = 0, ip = ETHERNET } = options
    const header = frame[ip]! >> 4 === 4 ? { source: 12, length: 20 } : { source: 20, length: 40 }
    // What a program took off is written again; what it put before the packet took the place of the link header.
    const written = frame.subarray(0, Math.max(ETHERNET, ETHERNET - grows))
    const config = {
      move: grows,
      headers: words(written),
      headersLength: written.length,
      flows: BigInt(flows),
      sourceAt: ip + header.source,
      portAt: ip + header.length,
      verdict: grows > 0 ? Verdict.tx : Verdict.pass,
    }
    return new Feed(await load(encapsulation, { config }), afterRun(frame, grows))
  }

  private constructor(loaded: Loaded<typeof encapsulation>, data: Uint8Array) {
    this.#loaded = loaded
    this.#data = data
  }

  /** The least that an encapsulating balancer does. */
  get least(): Program {
    return this.#loaded.programs.least
  }

  /** For `least`: a TCP service of IPv4. Every row names the same backend. */
  fillLeast(address: number, port: number): void {
    this.#loaded.maps.services.set({ address, port, protocol: 6 }, 1)
    this.#loaded.maps.backends.set(0, { link: [1, 2, 3], address: 0x0a090001 })
  }

  /** Whole nanoseconds with the feed. */
  raw(program: Program, options: MeasureOptions): Timing {
    this.#loaded.maps.measured.map.setRaw(new Uint8Array(4), new Uint8Array(Uint32Array.of(program.fd).buffer))
    return measureTestRun(this.#loaded.programs.feed, this.#data, options)
  }

  /** What the feed takes with a program that only moves the head as far. */
  nothing(options: MeasureOptions): Timing {
    return this.raw(this.#loaded.programs.nothing, options)
  }

  close(): void {
    this.#loaded.close()
  }
}

function words(bytes: Uint8Array): number[] {
  const padded = new Uint8Array(HEADERS)
  padded.set(bytes)
  return [...new Uint16Array(padded.buffer)]
}

/** The frame as a run of the program leaves it, for the first run of the feed to undo. */
function afterRun(frame: Uint8Array, grows: number): Uint8Array {
  if (grows < 0) return frame.subarray(-grows)
  const data = new Uint8Array(frame.length + grows)
  data.set(frame, grows)
  return data
}
