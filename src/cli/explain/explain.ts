import { toHex } from '../../agent/api/hex.ts'
import type { Probe, ProbedProgram } from '../../firewall/index.ts'
import { dissect } from '../../net/dissect.ts'
import { summarize } from '../packets/summary.ts'
import { type Agreement, compare, decidedBy } from './decided-by.ts'
import type { RuleSource } from './rule-source.ts'
import { explainSocket, type SocketExplanation } from './socket.ts'
import { type RuleTrace, trace } from './trace.ts'

/** What becomes of one packet, by definition (the evaluator) and in fact (a test run of the program in force). */
export interface Explanation {
  /** Place in the file, from 1. */
  readonly packet: number
  readonly bytes: string
  readonly summary: string
  readonly evaluator: Probe
  /** Null if nothing is in force, or the rules are those of a configuration. */
  readonly kernel: Probe | null
  readonly agreement: Agreement | null
  /** Which binding of dispatch has it, if it passes; absent where nothing is dispatched, and for other packets. */
  readonly socket?: SocketExplanation
  /** Every rule that was tried, in order. */
  readonly rules: readonly RuleTrace[]
}

export interface Explanations {
  /** What the kernel ran; null if it was not asked. */
  readonly program: ProbedProgram | null
  readonly packets: readonly Explanation[]
}

/** Explains packets one by one; the kernel gets all of them at once. */
export async function explainPackets(source: RuleSource, packets: readonly Uint8Array[]): Promise<Explanations> {
  const dissections = packets.map(dissect)
  const env = await source.environment(dissections)
  const report = await source.probe?.(packets)
  const explained = dissections.map((packet, index): Explanation => {
    const { decision, rules } = trace(source.ruleSet, packet, env)
    const kernel = report?.probes[index] ?? null
    const passes = decision.verdict === 'pass' && source.dispatch !== undefined
    const socket = passes ? explainSocket(source.dispatch!, packet) : undefined
    return {
      packet: index + 1,
      bytes: toHex(packet.bytes),
      summary: summarize(packet),
      evaluator: { verdict: decision.verdict, decidedBy: decidedBy(decision), matched: decision.matched },
      kernel,
      agreement: kernel === null ? null : compare(decision, kernel, source.ruleSet),
      ...(socket === undefined ? {} : { socket }),
      rules,
    }
  })
  return { program: report?.program ?? null, packets: explained }
}
