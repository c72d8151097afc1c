// Nanoseconds to send a UDP packet over loopback and to receive it, or to open, accept and close a TCP connection: by a socket that is bound
// to all addresses, and by one that is found by dispatch.
import { type Binding, Dispatch, readBinding } from '../src/dispatch/index.ts'
import type { Paths } from '../src/entry/paths.ts'
import { descriptorOf } from '../src/linux/node-sockets.ts'
import { pinToCpu } from '../src/linux/process.ts'
import { formatAddress } from '../src/net/address.ts'
import { compile } from '../tests/support/compile.ts'
import { tcpServerIn } from '../tests/support/sockets.ts'
import { withLeast } from './dispatch/least.ts'
import { AskedProcess } from './harness/asked-process.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { openConnections } from './harness/connect-socket.ts'
import { DispatchState, LocalNetns } from './harness/dispatch-world.ts'
import { MEASURED_CPU, onCpu } from './harness/on-cpu.ts'
import { judge, type Result } from './harness/result.ts'
import { type Timing, timingOf } from './harness/timing.ts'

/** Of what it costs to send and receive a packet without dispatch. */
const SHARES = { prefix: 0.03, exact: 0.08 } as const

const PORT = 20_000
/** 10.0.0.1, of which all others follow. */
const FIRST = 0x0a00_0001

interface Case {
  readonly what: string
  readonly kind: keyof typeof SHARES
  /** Addresses that packets are for. */
  readonly addresses: number
  readonly bindings: () => Binding[]
  /** Whose packets are not for it at all. */
  readonly isPlain?: boolean
}

const CASES: readonly Case[] = [
  {
    what: 'nothing of it is bound',
    kind: 'prefix',
    addresses: 1,
    bindings: () => [bound('192.0.2.0/24', 'any')],
    isPlain: true,
  },
  { what: 'a prefix', kind: 'prefix', addresses: 1, bindings: () => [bound('10.0.0.0/8', 'any')] },
  { what: 'a range of ports', kind: 'exact', addresses: 1, bindings: () => [bound('10.0.0.0/8', '20000-29999')] },
  ...[1, 1_000, 30_000, 100_000].map((count) => ({
    what: `one of ${count.toLocaleString('en-US')} addresses`,
    kind: 'exact' as const,
    addresses: count,
    bindings: () => addresses(count),
  })),
]

const bound = (prefix: string, port: string): Binding => readBinding({ label: 'all', protocol: 'udp', prefix, port })

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => FIRST + index)

const addresses = (count: number): Binding[] =>
  numbers(count).map((value) => bound(formatAddress({ family: 4, value: BigInt(value) }), `${PORT}`))

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  using netns = new LocalNetns('dispatch', '10.0.0.0/8')
  using state = new DispatchState(netns.name)
  const dispatch = new Dispatch(state.paths)
  yield* datagrams(state.paths, dispatch, run)
  yield* connections(netns.name, dispatch, run)
}

interface Comparison {
  readonly bindings: readonly Binding[]
  /** Gives the sockets to the label. */
  readonly register: () => Promise<unknown>
  readonly without: () => Promise<readonly number[]>
  readonly having: () => Promise<readonly number[]>
  /** The least of its kind, if there is such a thing. */
  readonly least?: () => Promise<readonly number[]>
}

/** Takes turns without dispatch and with it. */
async function compare(
  dispatch: Dispatch,
  run: BenchRun,
  { bindings, register, without, having, least }: Comparison,
): Promise<Pick<Result, 'value' | 'floor' | 'rivals'> & { readonly floor: Timing }> {
  const [values, floors, leasts]: [number[], number[], number[]] = [[], [], []]
  for (let turn = 0; turn < Math.min(run.runs, 7); turn++) {
    floors.push(...(await without()))
    await dispatch.bind(bindings)
    await register()
    values.push(...(await having()))
    await dispatch.unload()
    if (least !== undefined) leasts.push(...(await least()))
  }
  const rivals = leasts.length === 0 ? {} : { 'the least program': timingOf(leasts) }
  return { value: timingOf(values), floor: timingOf(floors), rivals }
}

/** What is judged is a call for each packet, as most servers have it; where many are sent and received with one, the same more is a larger part. */
const BATCHES = [
  { batch: 1, call: 'a call for each', judged: true },
  { batch: 64, call: '64 with each call', judged: false },
] as const

/** Sent and received by the same CPU, as on a server that steers packets to where they are read. */
async function* datagrams({ netns, run: folder }: Paths, dispatch: Dispatch, run: BenchRun): AsyncGenerator<Result> {
  const program = compile(new URL('dispatch/exchange.c', import.meta.url), folder)
  const exchange = await AskedProcess.start<number, readonly number[]>(netns, [program, `${PORT}`])
  pinToCpu(exchange.pid, MEASURED_CPU)
  const samples = run.smoke ? 20 : 1_200
  try {
    for (const { batch, call, judged } of BATCHES)
      for (const { what, kind, addresses: count, bindings, isPlain } of CASES) {
        const flow = (socket: 'plain' | 'hidden') => () => exchange.ask(`${socket} ${count} ${batch} ${samples}`)
        const own = { pid: exchange.pid, port: PORT + 1 }
        const many = count === 1 ? {} : { addresses: numbers(count) }
        const least = isPlain === true ? {} : { socket: own, ...many }
        const having = flow(isPlain === true ? 'plain' : 'hidden')
        const timings = await compare(dispatch, run, {
          bindings: bindings(),
          register: () => dispatch.registerProcess('all', own),
          without: flow('plain'),
          having,
          least: () => withLeast(netns, least, having),
        })
        const [keys, target] = [
          count === 1 ? 'hot' : 'random',
          judged ? timings.floor.min * SHARES[kind] : null,
        ] as const
        yield judge({ bench: 'dispatch', case: `${call}: ${what}`, keys, ...timings, unit: 'ns/packet', target })
      }
  } finally {
    await exchange.stop()
  }
}

/** Connections that one sample is made of. */
const CONNECTIONS = 20

async function* connections(netns: string, dispatch: Dispatch, run: BenchRun): AsyncGenerator<Result> {
  const [plain, hidden] = [tcpServerIn(netns, PORT), tcpServerIn(netns, PORT + 1)]
  const open = (server: typeof plain) => async (): Promise<number[]> =>
    onCpu(MEASURED_CPU, () => Array.from({ length: run.smoke ? 5 : 60 }, () => timed(descriptorOf(server))))
  const timed = (listener: number): number => {
    const start = process.hrtime.bigint()
    openConnections(netns, listener, { address: FIRST, port: PORT }, CONNECTIONS)
    return Number(process.hrtime.bigint() - start) / CONNECTIONS
  }
  try {
    const bindings = [readBinding({ label: 'all', protocol: 'tcp', prefix: '10.0.0.0/8', port: 'any' })]
    const register = () => dispatch.register('all', [{ fd: descriptorOf(hidden) }])
    const taken = { bindings, register, without: open(plain), having: open(hidden) }
    const timings = await compare(dispatch, run, taken)
    const target = timings.floor.min * SHARES.prefix
    yield judge({ bench: 'dispatch', case: 'TCP, a prefix', keys: 'hot', ...timings, unit: 'ns/connection', target })
  } finally {
    for (const server of [plain, hidden]) server.close()
  }
}
