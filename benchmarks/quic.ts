// Nanoseconds that reading connection ids costs a datagram of QUIC, sent over loopback and received: by a group with SO_REUSEPORT whose program
// reads them, and by the same group without it.
import { Dispatch, type FlowPolicy, type QuicPlace, quicConnectionIds, readBinding } from '../src/dispatch/index.ts'
import { pinToCpu } from '../src/linux/process.ts'
import { compile } from '../tests/support/compile.ts'
import { longHeader, shortHeader } from '../tests/support/quic-datagrams.ts'
import { AskedProcess } from './harness/asked-process.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { DispatchState, LocalNetns } from './harness/dispatch-world.ts'
import { MEASURED_CPU } from './harness/on-cpu.ts'
import { judge, type Result } from './harness/result.ts'
import { timingOf } from './harness/timing.ts'

/** What the program may cost, nanoseconds. */
const TARGET = 150

const PORT = 443
const CALLED = '10.0.0.1'

/** Ids of the same length each time, so that a datagram costs the same to send. */
const NONCE = 8

interface Case {
  readonly what: string
  /** That the group is bound to. */
  readonly host: string
  readonly datagram: (id: Uint8Array) => Uint8Array
  readonly judged: boolean
}

const CASES: readonly Case[] = [
  { what: 'an id of a socket', host: '127.0.0.1', datagram: shortHeader, judged: true },
  { what: 'an id of a socket, to the very address', host: CALLED, datagram: shortHeader, judged: false },
  { what: 'a forged id', host: '127.0.0.1', datagram: (id) => shortHeader(forged(id)), judged: false },
  { what: 'an id of another kind', host: '127.0.0.1', datagram: () => shortHeader(new Uint8Array(18)), judged: false },
  { what: 'an Initial', host: '127.0.0.1', datagram: (id) => longHeader(id, 'initial'), judged: false },
]

const forged = (id: Uint8Array): Uint8Array => id.map((octet, at) => (at === id.length - 1 ? octet ^ 1 : octet))

type Exchange = AskedProcess<true, readonly number[]>

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  using netns = new LocalNetns('quic', '10.0.0.0/8')
  using state = new DispatchState(netns.name)
  const program = compile(new URL('quic/exchange.c', import.meta.url), state.paths.run)
  for (const one of CASES) yield await measure(new Dispatch(state.paths), netns.name, program, one, run)
}

/** Takes turns: the kernel chooses in the group, flows keep their socket, connection ids are read. */
async function measure(
  dispatch: Dispatch,
  netns: string,
  program: string,
  { what, host, datagram, judged }: Case,
  run: BenchRun,
): Promise<Result> {
  const samples = run.smoke ? 20 : 2_000
  const [floors, flows, values]: [number[], number[], number[]] = [[], [], []]
  for (let turn = 0; turn < Math.min(run.runs, 7); turn++)
    for (const [policy, taken] of [
      ['none', floors],
      ['first-packet', flows],
      ['quic', values],
    ] as const) {
      // A group of its own each time: a program stays with a group that has had it.
      const exchange: Exchange = await AskedProcess.start(netns, [program, host, `${PORT}`])
      pinToCpu(exchange.pid, MEASURED_CPU)
      const place = await register(dispatch, exchange, policy)
      const id = place ? quicConnectionIds(place, { nonceLength: NONCE })() : new Uint8Array(10 + NONCE)
      taken.push(...(await exchange.ask(`${samples} ${Buffer.from(datagram(id)).toString('hex')}`)))
      await exchange.stop()
      await dispatch.unload()
    }
  const timings = { value: timingOf(values), floor: timingOf(floors), rivals: { 'first-packet': timingOf(flows) } }
  const target = judged ? TARGET : null
  return judge({ bench: 'quic', case: what, keys: 'hot', ...timings, unit: 'ns/datagram', target })
}

async function register(dispatch: Dispatch, { pid }: Exchange, flows: FlowPolicy): Promise<QuicPlace | undefined> {
  const spread = flows === 'none' ? 'kernel' : 'client'
  const match = { label: 'web', protocol: 'udp', prefix: '10.0.0.0/8', port: `${PORT}` }
  await dispatch.bind([readBinding({ ...match, flows, spread })])
  const { sockets } = await dispatch.registerProcess('web', { pid, port: PORT })
  return sockets[0]!.quic
}
