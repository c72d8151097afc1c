// Buckets: what a rolling restart of all servers but one does to flows, simulated with the tables that the balancer makes.
import { applyMoves, planMoves } from '../src/balancer/table/index.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { judge, type Result } from './harness/result.ts'
import type { Timing } from './harness/timing.ts'

const FLOWS = 400_000
const ROWS = 16_384

/** Servers; the first is never restarted. */
const FLEETS = { thorough: [16, 1_000], smoke: [16] } as const

/** Flows that never end, unless their server is restarted: the worst case for a table. */
class Fleet {
  readonly rows = new Uint16Array(ROWS * 2)
  readonly servers: number
  /** Bucket and server of each flow; server 0 is none, the flow is lost. */
  readonly #buckets = new Uint16Array(FLOWS)
  readonly #owners = new Uint16Array(FLOWS)
  readonly #drained = new Set<number>()
  readonly #down = new Set<number>()
  readonly #careful: boolean
  moved = 0
  needed = 0

  /** @param careful false: any row may move, whether its previous owner is still needed or not. */
  constructor(servers: number, careful: boolean) {
    this.servers = servers
    this.#careful = careful
    this.#plan()
    this.moved = this.needed = 0
    const next = random(servers)
    for (let flow = 0; flow < FLOWS; flow++) {
      this.#buckets[flow] = next() % ROWS
      this.#owners[flow] = this.rows[this.#buckets[flow]! * 2]!
    }
  }

  /** Drains a server, restarts it once no other slot can come free, and lets it have its part again. */
  restart(server: number): void {
    this.#drained.add(server)
    this.#plan()
    this.#down.add(server)
    this.#plan()
    for (let flow = 0; flow < FLOWS; flow++) if (this.#owners[flow] === server) this.#begin(flow)
    this.#release()
    this.#drained.delete(server)
    this.#down.delete(server)
    this.#plan()
  }

  /** Flows of servers that are up which no packet finds any more. */
  lost(): number {
    let lost = 0
    for (let flow = 0; flow < FLOWS; flow++) {
      const at = this.#buckets[flow]! * 2
      const owner = this.#owners[flow]!
      if (owner !== this.rows[at] && owner !== this.rows[at + 1]) lost++
    }
    return lost
  }

  /** The flow's client connects again. */
  #begin(flow: number): void {
    this.#owners[flow] = this.rows[this.#buckets[flow]! * 2]!
  }

  /** Previous owners that have no flow of the bucket left are forgotten, as their connection counts say. */
  #release(): void {
    const busy = new Uint8Array(ROWS)
    for (let flow = 0; flow < FLOWS; flow++) {
      const bucket = this.#buckets[flow]!
      if (this.#owners[flow] === this.rows[bucket * 2 + 1]) busy[bucket] = 1
    }
    for (let row = 0; row < ROWS; row++) if (busy[row] === 0) this.rows[row * 2 + 1] = 0
  }

  #plan(): void {
    const weights = new Map<number, number>()
    for (let server = 1; server <= this.servers; server++) weights.set(server, this.#drained.has(server) ? 0 : 1)
    const before = this.#counts()
    if (!this.#careful) for (let row = 0; row < ROWS; row++) this.rows[row * 2 + 1] = 0
    const { moves } = planMoves(this.rows, { weights, dead: this.#down })
    this.moved += moves.filter(({ row, current }) => current !== this.rows[row * 2]).length
    applyMoves(this.rows, moves)
    const after = this.#counts()
    this.needed += after.reduce((sum, rows, server) => sum + Math.max(0, rows - before[server]!), 0)
  }

  #counts(): number[] {
    const counts = new Array<number>(this.servers + 1).fill(0)
    for (let at = 0; at < this.rows.length; at += 2) counts[this.rows[at]!]!++
    counts[0] = 0
    return counts
  }
}

/** A small generator (xorshift32): the same numbers in every run. */
function random(seed: number): () => number {
  let state = seed || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const exactly = (value: number): Timing => ({ min: value, median: value })

/** A fleet after a rolling restart of all but its first server. */
function restarted(servers: number, careful: boolean): Fleet {
  const fleet = new Fleet(servers, careful)
  for (let server = 2; server <= servers; server++) fleet.restart(server)
  return fleet
}

function* simulate(servers: number): Generator<Result> {
  const began = performance.now()
  const fleet = restarted(servers, true)
  const took = performance.now() - began
  const rivals = { 'any row may move': exactly(restarted(servers, false).lost()) }
  const what = (text: string) => `${servers} servers, all but one restarted: ${text}`
  const result = (text: string, value: number, unit: string, target: number | null, rivals = {}) =>
    judge({ bench: 'buckets', case: what(text), keys: 'random', value: exactly(value), unit, target, rivals })
  yield result(`flows lost of ${FLOWS}`, fleet.lost(), 'flows', 0, rivals)
  yield result('moves more than needed', fleet.moved - fleet.needed, 'rows', 0)
  yield result('moves', fleet.moved, 'rows', null)
  yield result('each change of a table', Math.round((took / (servers - 1) / 3) * 100) / 100, 'ms', null)
}

export const bench: Bench = async function* ({ smoke }: BenchRun): AsyncGenerator<Result> {
  for (const servers of FLEETS[smoke ? 'smoke' : 'thorough']) yield* simulate(servers)
}
