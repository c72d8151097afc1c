import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '../../agent/index.ts'
import type { Sample } from '../../firewall/index.ts'
import { type Frame, type FrameOptions, frameOf, type Reading, type Taken } from './frame.ts'

/** Where samples come from. */
export interface SampleSource {
  /** Samples, until the signal is given. */
  read(signal: AbortSignal): AsyncIterable<Sample>
  /** They come through the ring that all rules share, whose losses are counted in the kernel. */
  readonly shared: boolean
}

export interface CollectOptions extends FrameOptions {
  readonly intervalMs: number
  readonly samples: SampleSource
  readonly signal: AbortSignal
  now(): number
}

/** Samples kept between two frames: more would cost memory and tell no more. */
const MOST_SAMPLES = 100_000

/** One frame an interval until `signal` aborts. */
export async function* collect(control: Control, options: CollectOptions): AsyncGenerator<Frame> {
  const stop = new AbortController()
  const end = () => stop.abort()
  options.signal.addEventListener('abort', end)
  if (options.signal.aborted) end()
  const basket = new Basket()
  let failure: unknown
  const gathering = basket.fill(options.samples.read(stop.signal)).catch((error) => {
    failure = error
  })
  try {
    let before = await read(control, options)
    while (!stop.signal.aborted) {
      await sleep(options.intervalMs, undefined, { signal: stop.signal }).catch(() => undefined)
      if (failure !== undefined) throw failure
      const after = await read(control, options)
      const { samples, lost } = basket.empty()
      const inKernel = options.samples.shared ? lostBetween(before, after) : 0
      yield frameOf(before, after, { samples, lost: lost + inKernel }, options)
      before = after
    }
  } finally {
    options.signal.removeEventListener('abort', end)
    stop.abort()
    await gathering
  }
}

/** Samples between two frames. */
class Basket {
  #samples: Sample[] = []
  #lost = 0

  async fill(source: AsyncIterable<Sample>): Promise<void> {
    for await (const sample of source) {
      this.#lost += sample.skipped ?? 0
      if (this.#samples.length < MOST_SAMPLES) this.#samples.push(sample)
      else this.#lost += 1
    }
  }

  empty(): Taken {
    const taken = { samples: this.#samples, lost: this.#lost }
    this.#samples = []
    this.#lost = 0
    return taken
  }
}

function lostBetween(before: Reading, after: Reading): number {
  return Math.max(0, after.counters.samplesLost.packets - before.counters.samplesLost.packets)
}

async function read(control: Control, options: CollectOptions): Promise<Reading> {
  const [counters, rules] = await Promise.all([control.counters(), control.rules()])
  return { at: options.now(), counters, rules }
}
