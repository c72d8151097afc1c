import type { CountersReport } from '../../src/firewall/types.ts'
import type { Request } from './clients.ts'
import { summarize } from './latency.ts'
import type { Snapshot } from './snapshot.ts'

export const phaseNames = ['calm', 'unprotected', 'protected', 'agent-killed', 'reload', 'adopted'] as const
export type PhaseName = (typeof phaseNames)[number]

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
  /** Reached the edge's network stack. */
  readonly attackPassed: number
  /** Overran a ring on the way, before the firewall. */
  readonly attackLost: number
  /** Packets of good clients that a rule dropped. */
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
    attackSent: total(after.sent) - total(before.sent),
    attackLost: after.lost - before.lost,
    ...verdicts(before, after),
    dns: part(requests, 'dns'),
    http: part(requests, 'http'),
  }
}

function verdicts(before: Snapshot, after: Snapshot) {
  const [from, to] = [before.firewall, after.firewall]
  if (from === undefined || to === undefined) {
    return { attackDropped: 0, attackPassed: after.arrived - before.arrived, legitDropped: 0, droppedByRule: {} }
  }
  const grew = (read: (report: CountersReport) => number) => read(to) - read(from)
  const clientsOut = grew((report) => packetsOf(report, CLIENTS_OUT))
  const legitDropped = grew((report) => packetsOf(report, CLIENTS_IN)) - clientsOut
  return {
    attackDropped: grew((report) => report.verdicts.drop.packets) - legitDropped,
    attackPassed: grew((report) => report.verdicts.pass.packets) - clientsOut,
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

function total(sent: ReadonlyMap<string, number>): number {
  return [...sent.values()].reduce((sum, packets) => sum + packets, 0)
}

function part(requests: readonly Request[], protocol: Request['protocol']) {
  const mine = requests.filter((request) => request.protocol === protocol)
  return { sent: mine.length, answered: mine.filter((request) => request.answered).length }
}
