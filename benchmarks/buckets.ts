// Buckets: what a rolling restart of all servers but one does to flows and to tables, simulated with the tables that the balancer makes.
import { BucketTable } from './buckets/bucket-table.ts'
import { Flows } from './buckets/flows.ts'
import { Maglev } from './buckets/maglev.ts'
import { Rendezvous } from './buckets/rendezvous.ts'
import type { Scheme } from './buckets/scheme.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { judge, type Measured, type Result } from './harness/result.ts'
import { type Timing, timingOf } from './harness/timing.ts'

const FLOWS = 400_000

/** Servers; the first is never restarted. */
const FLEETS = { thorough: [16, 1_000], smoke: [16] } as const

/** Flows that never end unless their server does are the worst for a table. Of the others so many end while a server is restarted. */
const KINDS = { 'flows that never end': 0, 'flows that come and go': FLOWS / 20 } as const

type Kind = keyof typeof KINDS

interface Outcome {
  readonly lost: number
  readonly moved: number
  /** Rows that moved though they need not have, as a part of those that had to, percent. */
  readonly needless: number
}

/** Restarts all servers but the first, one after the other: drain, wait until its flows have ended, stop, start. */
function restartAll(scheme: Scheme, servers: number, kind: Kind): Outcome {
  const flows = new Flows(scheme, FLOWS)
  const forget = (): void => scheme.forget?.((row, server) => flows.isBusy(row, server))
  for (let server = 2; server <= servers; server++) {
    scheme.drain(server)
    flows.check(server)
    flows.endSome(KINDS[kind] / 2)
    if (KINDS[kind] > 0) {
      flows.endOf(server)
      forget()
      flows.check(server)
    }
    scheme.stop(server)
    flows.endOf(server)
    flows.check(server)
    scheme.start(server)
    flows.check(0)
    flows.endSome(KINDS[kind] / 2)
    forget()
    flows.check(0)
  }
  const { moved, needed } = scheme
  return { lost: flows.lost, moved, needless: (100 * (moved - needed)) / needed }
}

const exactly = (value: number): Timing => ({ min: value, median: value })

function* simulate(servers: number, kind: Kind, say: (text: string) => void): Generator<Result> {
  const run = (name: string, scheme: Scheme): Outcome => {
    say(`${servers} servers, ${kind}: ${name}`)
    return restartAll(scheme, servers, kind)
  }
  const table = new BucketTable(servers)
  const own = run('bucket table', table)
  const rivals = {
    'Maglev 65,537': run('Maglev', new Maglev(servers)),
    'rendezvous, two hops': run('rendezvous', new Rendezvous(servers)),
    'any row may move': run('any row may move', new BucketTable(servers, false)),
  }
  const result = (what: string, measured: Pick<Measured, 'value' | 'unit' | 'target'>, key?: keyof Outcome): Result => {
    const others =
      key === undefined ? [] : Object.entries(rivals).map(([name, outcome]) => [name, exactly(outcome[key])])
    const bench = { bench: 'buckets', case: `${servers} servers, ${kind}: ${what}`, keys: 'random' } as const
    return judge({ ...bench, ...measured, rivals: Object.fromEntries(others) })
  }
  const count = FLOWS.toLocaleString('en')
  yield result(`lost of ${count}`, { value: exactly(own.lost), unit: 'flows', target: 0 }, 'lost')
  yield result('moved needlessly', { value: exactly(own.needless), unit: '% of needed', target: 0 }, 'needless')
  yield result('moved', { value: exactly(own.moved), unit: 'rows', target: null })
  yield result('a plan', { value: timingOf(table.times), unit: 'ms', target: 5 })
}

export const bench: Bench = async function* ({ smoke, say }: BenchRun): AsyncGenerator<Result> {
  for (const servers of FLEETS[smoke ? 'smoke' : 'thorough'])
    for (const kind of Object.keys(KINDS) as Kind[]) yield* simulate(servers, kind, say)
}
