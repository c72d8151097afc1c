/** Plain values that the firewall hands out: all of them survive JSON, so the local API sends them as they are. */
import type { Change, Count, InterfaceStatus } from '../entry/types.ts'

export type { Change, ChangeKind, Count, InterfaceStatus, XdpMode } from '../entry/types.ts'

export interface RuleStatus {
  readonly id: string
  /** Canonical text, as `formatRule` prints it. */
  readonly text: string
  readonly action: 'drop' | 'pass' | 'count' | 'limit' | 'sample'
  /** Added at run time by `drop`, not written in the configuration. */
  readonly dynamic: boolean
  /** Packets that the rule decided, or that it matched if it is a `count` or a `sample`; for a `limit` those over it. */
  readonly count: Count
  /** Milliseconds until a dynamic rule no longer matches; 0 when that is over. A capture's reader puts it off. */
  readonly expiresInMs?: number
  readonly capture?: CaptureStatus
}

/** Of a rule that copies packets for `seawall capture`. */
export interface CaptureStatus {
  /** Bytes of a packet that are copied at most. */
  readonly snaplen: number
  /** Only packets of which this became. */
  readonly verdict?: 'drop' | 'pass' | 'tx'
  /** Size of the ring buffer. */
  readonly ringBytes: number
  /** Packets that the ring buffer had no room for. */
  readonly lost: number
}

export interface SetStatus {
  readonly name: string
  readonly prefixes: number
  /** Memory of the set's map in the kernel. */
  readonly bytes: number
  /** Path of its file, for a set read from one. */
  readonly file?: string
}

/** What SYN cookies did to packets that no rule dropped. */
export interface SynCookieCounts {
  /** SYNs that were answered. */
  readonly sent: Count
  /** ACKs with a valid cookie, passed to the listener. */
  readonly valid: Count
  /** ACKs without cookie or connection, dropped. */
  readonly bad: Count
  /** ACKs of connections, passed. */
  readonly established: Count
  /** How often cookies began to be sent because SYNs came too fast. */
  readonly alarms: number
}

/** Every packet received is in exactly one of `byDefault`, `malformed`, `rules` (those that decide) and `retired`. */
export interface CountersReport {
  /** Packets that reached the entry program on any interface. */
  readonly received: Count
  /** `tx`: SYNs that were answered with a cookie, and went no further. */
  readonly verdicts: { readonly pass: Count; readonly drop: Count; readonly tx: Count }
  readonly synCookies: SynCookieCounts
  /** Passed, as no rule decided. */
  readonly byDefault: Count
  readonly malformed: Readonly<Record<string, Count>>
  /** By rule id, in the order of the rules. */
  readonly rules: Readonly<Record<string, Count>>
  /** Packets decided by rules that are no longer in force. */
  readonly retired: { readonly pass: Count; readonly drop: Count }
  /** Samples that found no room in the common ring buffer, since nobody reads it or too slowly; no verdict, and in no sum. */
  readonly samplesLost: Count
}

export interface PendingConfirm {
  /** Milliseconds until the roll back. */
  readonly dueInMs: number
}

export interface FirewallStatus {
  readonly generation: number
  /** There is a generation to roll back to. */
  readonly previous?: number
  /** Digest of the configuration in force. */
  readonly digest: string
  readonly version: string
  /** Wall clock time of the apply, ISO 8601. */
  readonly appliedAt: string
  readonly malformed: 'drop' | 'pass'
  /** `off`, `always`, or `above 5000 SYN/s`. */
  readonly synCookies: string
  readonly interfaces: readonly InterfaceStatus[]
  readonly rules: readonly RuleStatus[]
  readonly sets: readonly SetStatus[]
  readonly pending?: PendingConfirm
  readonly program: { readonly id: number; readonly tag: string; readonly instructions: number }
}

export interface Plan {
  /** Nothing is in force yet. */
  readonly fresh: boolean
  readonly changes: readonly Change[]
  readonly rules: number
  readonly instructions: number
  /** What is allowed but hardly meant, and what an operator should know of the interfaces. */
  readonly warnings: readonly string[]
}

export interface ApplyResult {
  readonly generation: number
  readonly plan: Plan
  /** False if the state in force was already the desired one. */
  readonly changed: boolean
  readonly pending?: PendingConfirm
  /** Milliseconds from start to swap. */
  readonly tookMs: number
}

/** A packet, as the data path copied it. */
export interface PacketCopy {
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly timestamp: bigint
  /** What decided: a rule id, `default`, `malformed:<reason>`, `syn-cookies:answered` or `syn-cookies:bad`. */
  readonly decidedBy: string
  /** `tx`: it was answered with a SYN cookie. */
  readonly verdict: 'pass' | 'drop' | 'tx'
  /** Length of the frame; `bytes` holds its beginning. */
  readonly length: number
  readonly ifindex: number
  readonly bytes: Uint8Array
}

export interface Sample extends PacketCopy {
  /** Id of the `sample` rule that asked for the copy, if one did. */
  readonly sampledBy?: string
  /** Samples just before this one that its reader was too slow for. */
  readonly skipped?: number
}

export interface CapturedPacket extends PacketCopy {
  /** Packets just before this one that the ring buffer had no room for. */
  readonly lost: number
}

/** What packets were run through, see twin.ts. */
export interface ProbedProgram {
  /** Whether it is the program in force: the same instructions, and the same tables. */
  readonly live: boolean
  /** The kernel's hash of the instructions without the maps they name. */
  readonly tag: string
  /** That of the program in force. */
  readonly liveTag: string
}

export interface ProbeReport {
  readonly program: ProbedProgram
  /** One a packet, in order. */
  readonly probes: readonly Probe[]
}

/** What the live program did with a packet in a test run that touches no live counter. */
export interface Probe {
  readonly verdict: 'pass' | 'drop'
  /** A rule id, `default`, or `malformed:<reason>`. */
  readonly decidedBy: string
  /** Rules that matched without deciding (`count`, `sample`, `limit` under its rate), and the one that decided, in order. */
  readonly matched: readonly string[]
}
