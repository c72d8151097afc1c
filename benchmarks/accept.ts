// Four processes that accept connections, side by side in one run: how evenly they get them, what a request takes, and how long its client waits.
import { writeFileSync } from 'node:fs'
import { Dispatch, readBinding, type Spread } from '../src/dispatch/index.ts'
import type { Paths } from '../src/entry/paths.ts'
import { inNetns } from '../src/linux/netns.ts'
import { type Listening, startWorkers } from './accept/worker-group.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { DispatchState, LocalNetns } from './harness/dispatch-world.ts'
import { MEASURED_CPU, onCpu } from './harness/on-cpu.ts'
import { judge, type Result } from './harness/result.ts'
import { type Timing, timingOf } from './harness/timing.ts'
import { runWrk, type WrkReport } from './harness/wrk.ts'

const PORT = 8_080
const CONNECTIONS = 64

/** How often the busiest process may have accepted what the idlest has, and how many times Node's cluster dispatch is wanted to be. */
const [EVEN, TIMES_CLUSTER] = [1.1, 1.9]

/** How many times as long a tail is the same: runs differ by as much. */
const SAME = 1.05

type Server = 'epoll' | 'node'

interface Mode {
  readonly name: string
  readonly server: Server
  readonly listening: Listening
  readonly spread?: Spread
}

const byDispatch = (server: Server): Mode[] =>
  (['round-robin', 'least-loaded'] as const).map((spread) => ({ name: spread, server, listening: 'separate', spread }))

const MODES: readonly Mode[] = [
  { name: 'epoll', server: 'epoll', listening: 'shared' },
  { name: 'EPOLLEXCLUSIVE', server: 'epoll', listening: 'exclusive' },
  { name: 'SO_REUSEPORT', server: 'epoll', listening: 'reuseport' },
  ...byDispatch('epoll'),
  { name: 'cluster', server: 'node', listening: 'cluster' },
  ...byDispatch('node'),
]

interface Load {
  readonly name: string
  /** Microseconds of a request. */
  readonly work: number
  readonly headers: readonly string[]
  /** Whether clients have one CPU and servers the other, as if they were on machines of their own. */
  readonly apart?: boolean
}

const CLOSING = { work: 0, headers: ['Connection: close'] }

const LOADS: readonly Load[] = [
  { name: 'a connection a request', ...CLOSING },
  { name: 'the same, clients apart', ...CLOSING, apart: true },
  { name: 'kept connections, 200 µs of work', work: 200, headers: [] },
]

const CLIENTS_CPU = 0

interface Sample extends WrkReport {
  /** Of accepted connections. The idlest counts as one that has had one. */
  readonly unevenness: number
}

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  using netns = new LocalNetns('accept', '192.0.2.0/24')
  using state = new DispatchState(netns.name)
  // Else clients of whoever comes later look for a free port more than they do anything else: 1,000 connections a second.
  inNetns(netns.name, () => writeFileSync('/proc/sys/net/ipv4/tcp_max_tw_buckets', '0'))
  for (const load of LOADS) {
    const samples = new Map(MODES.map((mode): [Mode, Sample[]] => [mode, []]))
    for (let turn = 0; turn < (run.smoke ? 1 : 3); turn++)
      for (const mode of MODES) samples.get(mode)!.push(await measure(state.paths, mode, load, run))
    for (const server of ['epoll', 'node'] as const)
      yield* judged(server, load, new Map([...samples].filter(([mode]) => mode.server === server)))
  }
}

async function measure(paths: Paths, mode: Mode, { work, headers, apart }: Load, run: BenchRun): Promise<Sample> {
  const { server, listening, spread } = mode
  const { netns } = paths
  const dispatch = new Dispatch(paths)
  const on = <T>(cpu: number, start: () => Promise<T>): Promise<T> => (apart ? onCpu(cpu, start) : start())
  const workers = await on(MEASURED_CPU, () => startWorkers(netns!, { server, listening, port: PORT, work }))
  try {
    if (spread !== undefined) {
      const match = { protocol: 'tcp', prefix: '192.0.2.0/24', port: `${PORT}` }
      await dispatch.bind([readBinding({ label: 'web', ...match, spread })])
      for (const pid of workers.first) await dispatch.registerProcess('web', { pid })
    }
    const load = (seconds: number): Promise<WrkReport> =>
      on(CLIENTS_CPU, () => runWrk(netns!, `http://192.0.2.1:${PORT}/`, { connections: CONNECTIONS, seconds, headers }))
    if (!run.smoke) await load(1)
    await workers.ask()
    const report = await load(run.smoke ? 1 : 3)
    const accepted = await workers.ask()
    run.say(`${server} ${mode.name}: accepted ${accepted.join('/')}, ${report.requestsPerSecond} a second`)
    return { ...report, unevenness: Math.max(...accepted) / Math.max(1, Math.min(...accepted)) }
  } finally {
    await workers.stop()
    await dispatch.unload()
  }
}

type Samples = ReadonlyMap<Mode, readonly Sample[]>

function* judged(server: Server, { name: load, apart }: Load, samples: Samples): Generator<Result> {
  const timings = (of: (sample: Sample) => number): Record<string, Timing> =>
    Object.fromEntries([...samples].map(([{ name }, taken]) => [name, timingOf(taken.map(of))]))
  const [even, cost] = [timings(({ unevenness }) => unevenness), timings((one) => 1e6 / one.requestsPerSecond)]
  const [p50, p99] = [timings((one) => one.p50), timings((one) => one.p99)]
  const show = (name: string, what: string, unit: string, all: Record<string, Timing>, target?: number | undefined) => {
    const { [name]: value, ...rivals } = all
    const text = `${server}, ${load}: ${name}, ${what}`
    return judge({ bench: 'accept', case: text, keys: 'random', value: value!, rivals, unit, target: target ?? null })
  }
  for (const spread of ['round-robin', 'least-loaded']) yield show(spread, 'accepted', 'max/min', even, EVEN)
  const wanted = server === 'node' && apart ? cost.cluster!.min / TIMES_CLUSTER : undefined
  for (const spread of ['round-robin', 'least-loaded']) {
    yield show(spread, 'all', 'µs/request', cost, wanted)
    yield show(spread, 'median', 'ms', p50)
    yield show(spread, '99 %', 'ms', p99, SAME * (p99.SO_REUSEPORT ?? p99.cluster)!.min)
  }
}
