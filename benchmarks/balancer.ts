// The balancer: nanoseconds that its program takes for a packet, beside the least that an encapsulating balancer can do.
import { inNetns } from '../src/linux/netns.ts'
import { Plane, SELF4 } from '../tests/support/balancer-plane.ts'
import { packets, services } from './balancer/cases.ts'
import { connectionIn } from './balancer/connection.ts'
import { Feed, type FeedOptions, Verdict } from './balancer/feed.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { judge, type Result } from './harness/result.ts'
import type { Timing } from './harness/timing.ts'

/** Bytes that are put before a packet to a backend of IPv4. */
const IPIP = 20
const GUE = 36

/** Loopback, by which test runs come in. */
const LOOPBACK = 1

const PLANE = {
  backends: [
    { address: SELF4, ifindex: LOOPBACK },
    { address: '10.9.0.2', ifindex: LOOPBACK },
  ],
} as const

/** A program's own time: without what the feed and a program that only moves the head take, but with that move, which is its own. */
const beyond = (raw: Timing, nothing: Timing, move: number): Timing => ({
  min: raw.min - nothing.min + move,
  median: raw.median - nothing.median + move,
})

class Measurements {
  readonly #run: BenchRun
  /** Nanoseconds of one move of the head. */
  readonly #move: number

  static async create(run: BenchRun): Promise<Measurements> {
    const nothing = async (grows: number): Promise<number> => {
      const feed = await Feed.create({ frame: packets.data4, grows })
      try {
        return feed.nothing({ runs: run.runs, repeat: run.repeat }).min
      } finally {
        feed.close()
      }
    }
    // The feed moves it one way, and the program that does nothing else the other way.
    return new Measurements(run, Math.max(0, (await nothing(IPIP)) - (await nothing(0))) / 2)
  }

  private constructor(run: BenchRun, move: number) {
    this.#run = run
    this.#move = move
  }

  /** What the balancer takes for a frame, and what the least one takes. */
  async of(plane: Plane, options: FeedOptions): Promise<{ readonly own: Timing; readonly least: Timing }> {
    const feed = await Feed.create(options)
    try {
      const expect = options.grows > 0 ? Verdict.tx : Verdict.pass
      const how = { runs: this.#run.runs, repeat: this.#run.repeat, expect }
      feed.fillLeast(0xc0000235, 443)
      return inNetns(plane.netns, () => {
        const nothing = feed.nothing(how)
        const move = options.grows === 0 ? 0 : this.#move
        const own = beyond(feed.raw(plane.loaded.programs.balancer, how), nothing, move)
        const least = options.grows === IPIP && options.frame[12] === 8 && options.frame[13] === 0
        return { own, least: least ? beyond(feed.raw(feed.least, how), nothing, move) : own }
      })
    } finally {
      feed.close()
    }
  }
}

interface Judged {
  readonly case: string
  readonly keys: Result['keys']
  readonly value: Timing
  readonly floor?: Timing
  readonly target: number | null
}

const result = (judged: Judged): Result => judge({ bench: 'balancer', unit: 'ns', ...judged })

/** Packets for a service, to another machine. */
async function* firstHop(measure: Measurements): AsyncGenerator<Result> {
  const plane = await Plane.create({ ...PLANE, services: services(false), self: 0 })
  try {
    plane.fill({ current: 2, previous: 0 })
    const of = (frame: Uint8Array, flows = 0) => measure.of(plane, { frame, grows: IPIP, flows })
    const one = await of(packets.data4)
    yield result({ case: 'IPIP, one flow', keys: 'hot', value: one.own, floor: one.least, target: one.least.min / 2 })
    for (const flows of [100_000, 500_000]) {
      const { own } = await of(packets.data4, flows)
      const target = flows === 500_000 ? one.own.min / 10 : null
      yield result({ case: `IPIP, ${flows / 1_000}k flows`, keys: 'random', value: own, floor: one.own, target })
    }
    const syns = await of(packets.syn4, 2 ** 32)
    yield result({
      case: 'IPIP, each a new SYN',
      keys: 'random',
      value: syns.own,
      floor: one.own,
      target: one.own.min / 10,
    })
    const six = await of(packets.data6)
    yield result({ case: 'IPv6 in IPv4, one flow', keys: 'hot', value: six.own, target: 85 })
    for (const [name, frame] of [
      ['IPv4', packets.other4],
      ['IPv6', packets.other6],
    ] as const) {
      const { own } = await measure.of(plane, { frame, grows: 0 })
      yield result({ case: `no service, ${name}`, keys: 'hot', value: own, target: 35 })
    }
    yield* inGue(measure, one.own)
  } finally {
    plane.close()
  }
}

async function* inGue(measure: Measurements, ipip: Timing): AsyncGenerator<Result> {
  const plane = await Plane.create({ ...PLANE, services: services(true), self: 0 })
  try {
    plane.fill({ current: 2, previous: 0 })
    const { own } = await measure.of(plane, { frame: packets.data4, grows: GUE })
    yield result({ case: 'GUE, one flow', keys: 'hot', value: own, floor: ipip, target: 10 })
  } finally {
    plane.close()
  }
}

/** Packets that come encapsulated to the machine that owns their bucket. */
async function* secondHop(measure: Measurements): AsyncGenerator<Result> {
  const plane = await Plane.create({ ...PLANE, services: services(false), self: 1 })
  const connection = await connectionIn(plane.netns)
  try {
    plane.fill({ current: 1, previous: 0 })
    const frame = await encapsulated()
    const steady = await measure.of(plane, { frame, grows: -IPIP })
    yield result({ case: 'unpacked, steady', keys: 'hot', value: steady.own, target: 30 })
    plane.fill({ current: 1, previous: 2 })
    const moving = await measure.of(plane, { frame, grows: -IPIP })
    yield result({ case: 'unpacked, in transition, socket here', keys: 'hot', value: moving.own, target: 130 })
  } finally {
    connection.kill('SIGKILL')
    plane.close()
  }
}

/** As another machine sends it here. */
async function encapsulated(): Promise<Uint8Array> {
  const sender = await Plane.create({ ...PLANE, services: services(false), self: 0 })
  try {
    sender.setBackend(1, { address: SELF4 })
    sender.fill({ current: 1, previous: 0 })
    return Uint8Array.from(sender.run(packets.data4).data)
  } finally {
    sender.close()
  }
}

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  const measure = await Measurements.create(run)
  yield* firstHop(measure)
  yield* secondHop(measure)
}
