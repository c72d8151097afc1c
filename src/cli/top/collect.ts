import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '../../agent/index.ts'
import type { Sample } from '../../firewall/index.ts'
import { type Frame, frameOf, type Reading } from './frame.ts'

export interface CollectOptions {
  readonly intervalMs: number
  /** Talkers of a frame. */
  readonly talkers: number
  readonly signal: AbortSignal
  now(): number
}

/** Samples kept between two frames: more would cost memory and tell no more. */
const MOST_SAMPLES = 100_000

/** One frame an interval until `signal` aborts. */
export async function* collect(control: Control, options: CollectOptions): AsyncGenerator<Frame> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, options.signal])
  let samples: Sample[] = []
  let failure: unknown
  const sampling = gather(control, signal, (sample) => samples.length < MOST_SAMPLES && samples.push(sample)).catch(
    (error) => {
      failure = error
    },
  )
  try {
    let before = await read(control, options)
    while (!signal.aborted) {
      await sleep(options.intervalMs, undefined, { signal }).catch(() => undefined)
      if (failure !== undefined) throw failure
      const after = await read(control, options)
      const taken = samples
      samples = []
      yield frameOf(before, after, taken, options.talkers)
      before = after
    }
  } finally {
    stop.abort()
    await sampling
  }
}

async function gather(control: Control, signal: AbortSignal, add: (sample: Sample) => void): Promise<void> {
  for await (const sample of control.samples({ signal })) add(sample)
}

async function read(control: Control, options: CollectOptions): Promise<Reading> {
  const [counters, rules] = await Promise.all([control.counters(), control.rules()])
  return { at: options.now(), counters, rules }
}
