import { toHex } from '../../agent/api/hex.ts'
import type { Probe, ProbedProgram, ProbeReport } from '../../firewall/index.ts'
import { dissect } from '../../net/dissect.ts'
import { evaluate } from '../../rules/index.ts'
import { summarize } from '../packets/summary.ts'
import { compare, decidedBy } from './decided-by.ts'
import type { RuleSource } from './rule-source.ts'

/** Packets that went the same way. */
export interface ReplayRow {
  readonly decidedBy: string
  readonly verdict: 'pass' | 'drop'
  readonly evaluator: number
  /** Null if no kernel was asked. */
  readonly kernel: number | null
}

export interface Disagreement {
  readonly packet: number
  readonly summary: string
  readonly bytes: string
  readonly evaluator: Probe
  readonly kernel: Probe
}

export interface Replay {
  /** What the kernel ran; null if it was not asked. */
  readonly program: ProbedProgram | null
  readonly packets: number
  readonly bytes: number
  readonly rows: readonly ReplayRow[]
  /** Dropped by a limit, of which the evaluator knows no rate. */
  readonly limited: number
  /** The first few; `disagreed` counts all. */
  readonly disagreements: readonly Disagreement[]
  readonly disagreed: number
}

/** Packets of one request to the kernel, and their bytes. */
const BATCH = 10_000
const BATCH_BYTES = 8 << 20

const SHOWN = 10

/** Sends every packet through evaluator and kernel, in order, and sums up by what decided. */
export async function replayPackets(source: RuleSource, packets: readonly Uint8Array[]): Promise<Replay> {
  const tally = new Tally()
  let at = 0
  for (const batch of batches(packets)) {
    const dissections = batch.map(dissect)
    const env = await source.environment(dissections)
    const report = await source.probe?.(batch)
    if (report !== undefined) tally.ranOn(report)
    dissections.forEach((packet, index) => {
      const decision = evaluate(source.ruleSet, packet, env)
      const evaluator = { verdict: decision.verdict, decidedBy: decidedBy(decision), matched: decision.matched }
      const kernel = report?.probes[index]
      tally.count('evaluator', evaluator)
      if (kernel === undefined) return
      tally.count('kernel', kernel)
      const agreement = compare(decision, kernel, source.ruleSet)
      if (agreement === 'limited') tally.limited += 1
      if (agreement !== 'different') return
      tally.disagree({
        packet: at + index + 1,
        summary: summarize(packet),
        bytes: toHex(packet.bytes),
        evaluator,
        kernel,
      })
    })
    at += batch.length
  }
  const bytes = packets.reduce((sum, packet) => sum + packet.length, 0)
  return {
    packets: packets.length,
    bytes,
    ...tally.result(
      source.ruleSet.rules.map((rule) => rule.id),
      source.probe !== undefined,
    ),
  }
}

/** Runs of packets, in order. */
function* batches(packets: readonly Uint8Array[]): Generator<readonly Uint8Array[], void> {
  let [from, bytes] = [0, 0]
  for (const [index, packet] of packets.entries()) {
    if (index > from && (index - from >= BATCH || bytes + packet.length > BATCH_BYTES)) {
      yield packets.slice(from, index)
      from = index
      bytes = 0
    }
    bytes += packet.length
  }
  if (from < packets.length) yield packets.slice(from)
}

class Tally {
  limited = 0
  #program: ProbedProgram | null = null
  readonly #rows = new Map<string, { decidedBy: string; verdict: 'pass' | 'drop'; evaluator: number; kernel: number }>()
  readonly #disagreements: Disagreement[] = []
  #disagreed = 0

  count(side: 'evaluator' | 'kernel', { decidedBy, verdict }: Probe): void {
    const key = `${decidedBy} ${verdict}`
    const row = this.#rows.get(key) ?? { decidedBy, verdict, evaluator: 0, kernel: 0 }
    row[side] += 1
    this.#rows.set(key, row)
  }

  /** One batch on another program is what matters: an apply came in between. */
  ranOn({ program }: ProbeReport): void {
    if (this.#program?.live !== false) this.#program = program
  }

  disagree(one: Disagreement): void {
    this.#disagreed += 1
    if (this.#disagreements.length < SHOWN) this.#disagreements.push(one)
  }

  /** Rules in their order, then the default, then malformed packets by reason. */
  result(order: readonly string[], probed: boolean): Omit<Replay, 'packets' | 'bytes'> {
    const rank = (by: string) =>
      by === 'default' ? order.length : by.startsWith('malformed:') ? order.length + 1 : order.indexOf(by)
    const rows = [...this.#rows.values()].sort(
      (a, b) => rank(a.decidedBy) - rank(b.decidedBy) || a.decidedBy.localeCompare(b.decidedBy),
    )
    return {
      program: this.#program,
      rows: rows.map((row) => ({ ...row, kernel: probed ? row.kernel : null })),
      limited: this.limited,
      disagreements: this.#disagreements,
      disagreed: this.#disagreed,
    }
  }
}
