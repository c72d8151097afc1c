// Receiving at 30,000 addresses: by a UDP socket for each, bound one by one, or by one socket that dispatch gives their datagrams to. One CPU
// takes them from the driver and the other one runs the receivers. Datagrams are read as they come, for each of which a receiver is woken, and as
// many as there are addresses that came while it was busy elsewhere, as on a machine that is loaded.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Binding, Dispatch, readBinding } from '../src/dispatch/index.ts'
import type { Paths } from '../src/entry/paths.ts'
import { formatAddress } from '../src/net/address.ts'
import { buildPacket, ethernet, ipv4, udp } from '../src/net/build.ts'
import { compile } from '../tests/support/compile.ts'
import { Wire } from '../tests/support/wire.ts'
import { type Receiver, type ReceiverOptions, startReceiver } from './addresses/receiver.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { DispatchState } from './harness/dispatch-world.ts'
import { onCpu } from './harness/on-cpu.ts'
import { judge, type Result } from './harness/result.ts'
import { type Timing, timingOf } from './harness/timing.ts'

/** How many times a socket for each address takes what one dispatched socket does: CPU time of receiving, and altogether. */
const TIMES = { cpu: 2.5, altogether: 1.5 } as const

const DRIVER_CPU = 0
const PORT = 20_000
/** 10.0.0.1, of which all others follow. */
const FIRST = 0x0a00_0001
const MANY = 30_000
/** Datagrams until somebody looks at the clock. */
const BATCH = 1_024

interface Case {
  readonly name: string
  /** Addresses that datagrams are for. */
  readonly addresses: number
  readonly receivers: readonly Omit<ReceiverOptions, 'program'>[]
  readonly bindings?: () => readonly Binding[]
}

const addressAt = (index: number): string => formatAddress({ family: 4, value: BigInt(FIRST + index) })
const socketsFrom = (index: number, count: number) => ({ address: addressAt(index), count, port: PORT })
const bound = (prefix: string): Binding => readBinding({ label: 'all', protocol: 'udp', prefix, port: `${PORT}` })
const hidden = { address: '127.0.0.1', count: 1, port: PORT + 1 }

const DISPATCHED: readonly Case[] = [
  { name: 'dispatch, a prefix', addresses: MANY, receivers: [hidden], bindings: () => [bound('10.0.0.0/8')] },
  {
    name: 'dispatch, 30,000 bindings',
    addresses: MANY,
    receivers: [hidden],
    bindings: () => Array.from({ length: MANY }, (_, index) => bound(addressAt(index))),
  },
]

/** A process may have fewer descriptors than 30,000. */
const HALVES = [socketsFrom(0, MANY / 2), socketsFrom(MANY / 2, MANY / 2)]

const BOUND: readonly Case[] = [
  { name: 'one of all addresses', addresses: MANY, receivers: [{ ...hidden, address: '0.0.0.0', port: PORT }] },
  { name: '1 socket', addresses: 1, receivers: [socketsFrom(0, 1)] },
  { name: '1,000 sockets', addresses: 1_000, receivers: [socketsFrom(0, 1_000)] },
  { name: '30,000 sockets', addresses: MANY, receivers: HALVES },
]

/** CPU time, nanoseconds a datagram that was received. */
interface Load {
  /** Of receivers. */
  readonly cpu: number
  /** And of the kernel until it is in their queues: a second by this is the rate of a CPU. */
  readonly altogether: number
}

interface Sample {
  readonly flowing: Load
  readonly queued: Load
  /** Milliseconds until the sockets were there. */
  readonly setup: number
  /** Kilobytes of the kernel's for them. */
  readonly memory: number
}

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  const wire = await Wire.create(`seawall-bench-${process.pid}-addresses`)
  try {
    using state = new DispatchState(wire.netns)
    const program = compile(new URL('addresses/receiver.c', import.meta.url), state.paths.run)
    const samples = new Map([...BOUND, ...DISPATCHED].map(({ name }): [string, Sample[]] => [name, []]))
    for (let turn = 0; turn < (run.smoke ? 1 : 5); turn++)
      for (const one of [...BOUND, ...DISPATCHED])
        samples.get(one.name)!.push(await measure(state.paths, one, { program, wire, run }))
    yield* judged(samples)
  } finally {
    wire.close()
  }
}

interface Means {
  readonly program: string
  /** Where datagrams come from. */
  readonly wire: Wire
  readonly run: BenchRun
}

async function measure(paths: Paths, { addresses, receivers, bindings }: Case, means: Means): Promise<Sample> {
  const dispatch = new Dispatch(paths)
  const started: Receiver[] = []
  const memory = await settledSlab()
  let setup = 0
  try {
    for (const one of receivers) started.push(await startReceiver(paths.netns, { program: means.program, ...one }))
    for (const one of started) setup += one.first / 1e6
    if (bindings !== undefined) {
      const before = process.hrtime.bigint()
      await dispatch.bind(bindings())
      await dispatch.registerProcess('all', { pid: started[0]!.pid })
      setup += Number(process.hrtime.bigint() - before) / 1e6
    }
    const grown = slab() - memory
    await prepareDatagrams(means.wire, addresses)
    const flowing = await receiveFlowing(started, means)
    return { flowing, queued: await receiveQueued(started, means), setup, memory: grown }
  } finally {
    for (const one of started) await one.stop()
    await dispatch.unload()
  }
}

/** A datagram for each address in turn. */
function prepareDatagrams(wire: Wire, addresses: number): Promise<void> {
  const frame = buildPacket(
    ethernet({ dst: wire.mac }),
    ipv4({ src: '198.51.100.1', dst: addressAt(0) }),
    udp({ srcport: 9, dstport: PORT, checksum: 0 }),
    'A'.repeat(22),
  )
  const first = FIRST & 0xffff
  return wire.prepareSweep(frame, { what: 'addresses', from: first, to: first + addresses - 1 })
}

/** What all receivers did since the last time. */
async function received(started: readonly Receiver[]): Promise<{ readonly datagrams: number; readonly cpu: number }> {
  const all = await Promise.all(started.map((one) => one.ask()))
  return { datagrams: all.reduce((sum, [one]) => sum + one, 0), cpu: all.reduce((sum, [, one]) => sum + one, 0) }
}

/** They come as fast as the driver can take them, for a while. */
async function receiveFlowing(started: readonly Receiver[], { wire, run }: Means): Promise<Load> {
  const flow = (milliseconds: number): void => {
    const until = performance.now() + milliseconds
    while (performance.now() < until) wire.sweep(BATCH)
  }
  onCpu(DRIVER_CPU, () => flow(run.smoke ? 50 : 300))
  await received(started)
  const time = onCpu(DRIVER_CPU, () => timed(() => flow(run.smoke ? 200 : 1_500)))
  const { datagrams, cpu } = await received(started)
  return { cpu: cpu / datagrams, altogether: (time + cpu) / datagrams }
}

/** They come while receivers do not run, which then read them. */
async function receiveQueued(started: readonly Receiver[], { wire, run }: Means): Promise<Load> {
  const bursts = run.smoke ? 2 : 10
  let [cpu, time] = [0, 0]
  for (let burst = 0; burst < bursts; burst++) {
    for (const { pid } of started) process.kill(pid, 'SIGSTOP')
    time += onCpu(DRIVER_CPU, () => timed(() => wire.sweep(MANY)))
    for (const { pid } of started) process.kill(pid, 'SIGCONT')
    let left = MANY
    for (let asked = 0; left > 0; asked++) {
      if (asked === 1_000) throw new Error(`Cannot measure: ${left} datagrams were lost`)
      const some = await received(started)
      left -= some.datagrams
      cpu += some.cpu
    }
  }
  return { cpu: cpu / bursts / MANY, altogether: (time + cpu) / bursts / MANY }
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start)
}

/** The kernel frees sockets of the case before some time later. */
async function settledSlab(): Promise<number> {
  let before = slab()
  for (let tries = 0; tries < 40; tries++) {
    await sleep(50)
    const now = slab()
    if (Math.abs(now - before) < 256) break
    before = now
  }
  return slab()
}

/** Kilobytes of small objects that the kernel has, such as sockets. */
const slab = (): number => Number(/^Slab:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))![1])

interface Figure {
  readonly what: string
  readonly unit: string
  readonly of: (sample: Sample) => number
  /** How many times that of 30,000 sockets is wanted to be. */
  readonly times?: number
}

const FIGURES: readonly Figure[] = [
  { what: 'queued, CPU time of receiving', unit: 'ns/datagram', of: ({ queued }) => queued.cpu, times: TIMES.cpu },
  {
    what: 'queued, CPU time altogether',
    unit: 'ns/datagram',
    of: ({ queued }) => queued.altogether,
    times: TIMES.altogether,
  },
  {
    what: 'as they come, CPU time of receiving',
    unit: 'ns/datagram',
    of: ({ flowing }) => flowing.cpu,
    times: TIMES.cpu,
  },
  {
    what: 'as they come, CPU time altogether',
    unit: 'ns/datagram',
    of: ({ flowing }) => flowing.altogether,
    times: TIMES.altogether,
  },
  { what: 'memory of sockets', unit: 'kB', of: ({ memory }) => memory },
  { what: 'setup', unit: 'ms', of: ({ setup }) => setup },
]

function* judged(samples: ReadonlyMap<string, readonly Sample[]>): Generator<Result> {
  for (const { what, unit, of, times } of FIGURES) {
    const timingIn = (name: string): Timing => timingOf(samples.get(name)!.map(of))
    const rivals = Object.fromEntries(BOUND.map(({ name }) => [name, timingIn(name)]))
    const target = times === undefined ? null : rivals['30,000 sockets']!.min / times
    for (const { name } of DISPATCHED)
      yield judge({
        bench: 'addresses',
        case: `${name}: ${what}`,
        keys: 'random',
        value: timingIn(name),
        unit,
        rivals,
        target,
      })
  }
}
