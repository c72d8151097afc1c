import type { CountersReport } from '../../src/firewall/types.ts'
import type { Request } from './clients.ts'
import { summarize } from './latency.ts'
import type { PhaseName } from './phases.ts'
import type { Snapshot } from './snapshot.ts'

/** What a phase came to. Requests are the clients' own figures, packets are the kernel's. */
export interface PhaseFigures {
  readonly name: PhaseName
  readonly seconds: number
  readonly legitSent: number
  readonly legitAnswered: number
  /** Of answered requests; `null` when there was none. */
  readonly latencyMsP50: number | null
  readonly latencyMsP99: number | null
  readonly attackSent: number
  /** Dropped by a rule. */
  readonly attackDropped: number
  /** SYNs that were answered with a cookie, and cost the edge nothing more. */
  readonly attackAnswered: number
  /** Reached the edge's network stack. */
  readonly attackPassed: number
  /** Overran a ring on the way, before the firewall. */
  readonly attackLost: number
  /** Packets of good clients that a rule dropped, or that were taken for answers to cookies nobody sent. */
  readonly legitDropped: number
  /** All packets that each rule dropped. */
  readonly droppedByRule: Readonly<Record<string, number>>
  readonly dns: { readonly sent: number; readonly answered: number }
  readonly http: { readonly sent: number; readonly answered: number }
}

export interface PhaseInput {
  readonly name: PhaseName
  readonly seconds: number
  readonly requests: readonly Request[]
  readonly before: Snapshot
  readonly after: Snapshot
}

/** The rules of the demo's configuration that count good packets before and after all rules that drop. */
const CLIENTS_IN = 'clients-in'
const CLIENTS_OUT = 'clients-out'
const COUNTING = new Set([CLIENTS_IN, CLIENTS_OUT])

export function figures({ name, seconds, requests, before, after }: PhaseInput): PhaseFigures {
  const { sent, answered, latencyMsP50, latencyMsP99 } = summarize(requests)
  return {
    name,
    seconds,
    legitSent: sent,
    legitAnswered: answered,
    latencyMsP50,
    latencyMsP99,
    attackSent: after.sent - before.sent,
    attackLost: after.lost - before.lost,
    ...verdicts(before, after),
    dns: part(requests, 'dns'),
    http: part(requests, 'http'),
  }
}

function verdicts(before: Snapshot, after: Snapshot) {
  const [from, to] = [before.firewall, after.firewall]
  if (from === undefined || to === undefined) {
    return {
      attackDropped: 0,
      attackAnswered: 0,
      attackPassed: after.arrived - before.arrived,
      legitDropped: 0,
      droppedByRule: {},
    }
  }
  const grew = (read: (report: CountersReport) => number) => read(to) - read(from)
  const clientsOut = grew((report) => packetsOf(report, CLIENTS_OUT))
  // The attack has no ACKs: whoever sends a bad cookie is a good client.
  const bad = grew((report) => report.synCookies.bad.packets)
  const legitDropped = grew((report) => packetsOf(report, CLIENTS_IN)) - clientsOut + bad
  const tx = grew((report) => report.verdicts.tx.packets)
  const answeredOrPassed = grew((report) => report.verdicts.pass.packets) + tx - (clientsOut - bad)
  // Who sends a cookie back is a good client, whose SYN was answered, too: by this stage, or later by the kernel.
  const unproven = tx - grew((report) => report.synCookies.valid.packets)
  const attackAnswered = Math.max(0, Math.min(answeredOrPassed, unproven))
  return {
    attackDropped: grew((report) => report.verdicts.drop.packets) - legitDropped,
    attackAnswered,
    attackPassed: answeredOrPassed - attackAnswered,
    legitDropped,
    droppedByRule: Object.fromEntries(
      Object.keys(to.rules)
        .filter((id) => !COUNTING.has(id))
        .map((id) => [id, grew((report) => packetsOf(report, id))]),
    ),
  }
}

function packetsOf(report: CountersReport, rule: string): number {
  return report.rules[rule]?.packets ?? 0
}

function part(requests: readonly Request[], protocol: Request['protocol']) {
  const mine = requests.filter((request) => request.protocol === protocol)
  return { sent: mine.length, answered: mine.filter((request) => request.answered).length }
}
