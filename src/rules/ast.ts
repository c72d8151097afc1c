/** The one syntax tree of the rule language: the parser and the builder make it, the evaluator and the compiler read it. */
import type { Prefix } from '../net/prefix.ts'
import type { ClassicProgram } from './classic/operation.ts'
import type { FieldName } from './fields.ts'
import type { SynSignature } from './signatures/signature.ts'

/** `udp.dstport`, or bytes of a payload: `udp.payload[4:2]` is two bytes from offset 4, read big-endian. */
export interface FieldRef {
  readonly name: FieldName
  /** Offset and length in bytes. Required for comparisons of a `bytes` field, where the length is 1 to 4 for numeric operators. */
  readonly slice?: { readonly offset: number; readonly length: number }
}

/** Bits of an IPv4 and of an IPv6 address that are looked at. */
export interface PrefixLengths {
  readonly bits4: number
  readonly bits6: number
}

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** Numbers (ports, flags, MAC addresses as 48 bits), addresses (as /32 or /128 prefixes), byte strings, DNS names in lower case. */
export type Value =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'prefix'; readonly prefix: Prefix }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'name'; readonly name: string }

/** A member of a list: a value, an inclusive range of numbers, or the name of a set (`$bogons` has name `bogons`). */
export type Item =
  | Value
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'set'; readonly name: string }

/**
 * A comparison is false when the packet lacks the field, whatever the operator, so `udp.dstport != 53` is false
 * for TCP and `not udp.dstport == 53` is true for it.
 */
export type Expr =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expr[] }
  | { readonly kind: 'not'; readonly term: Expr }
  /** A `bool` field by its name: present and true. */
  | { readonly kind: 'flag'; readonly field: FieldName }
  /** `field [& mask] op value`. Addresses, bytes and names take only `==` and `!=`. */
  | {
      readonly kind: 'compare'
      readonly field: FieldRef
      readonly mask?: number
      readonly op: Comparison
      readonly value: Value
    }
  | { readonly kind: 'in'; readonly field: FieldRef; readonly items: readonly Item[] }
  /** Some bytes anywhere in the window `field[offset:length]` (at most {@link MAX_WINDOW} bytes) of the payload. */
  | { readonly kind: 'contains'; readonly field: FieldRef; readonly bytes: Uint8Array }
  /** A name of a pattern: `*` in front is one or more labels, `?` any one. In lower case, without a final dot. */
  | { readonly kind: 'matches'; readonly field: FieldRef; readonly pattern: string }
  /** A TCP SYN of a p0f signature. */
  | { readonly kind: 'p0f'; readonly signature: SynSignature }
  /** How many live connections the prefix around the packet's source has opened to this host. */
  | ({ readonly kind: 'connections'; readonly op: Comparison; readonly value: number } & PrefixLengths)
  /** A tcpdump expression, and what libpcap made of it. */
  | { readonly kind: 'pcap'; readonly text: string; readonly program: ClassicProgram }
  | { readonly kind: 'literal'; readonly value: boolean }

export const MAX_WINDOW = 256

/** Ports that a limit may count apart. */
export const LIMIT_PORTS = ['udp.srcport', 'udp.dstport', 'tcp.srcport', 'tcp.dstport'] as const
export type LimitPort = (typeof LIMIT_PORTS)[number]

/** What a limit counts apart: the whole rule, or each prefix of these lengths (bits) of addresses, and each port. */
export type LimitKey =
  | { readonly kind: 'rule' }
  | {
      readonly kind: 'address'
      readonly parts: readonly { readonly field: 'ip.src' | 'ip.dst'; readonly bits4: number; readonly bits6: number }[]
      /** Not empty; absent if there are none. */
      readonly ports?: readonly LimitPort[]
    }

/**
 * `drop` and `pass` decide; `limit` decides (drops) only packets over the limit. `count` and `sample` never decide,
 * and a packet under its limit goes on to the next rule too.
 */
export type Action =
  | { readonly kind: 'drop' | 'pass' | 'count' }
  /** Packets a second, packets of burst. */
  | { readonly kind: 'limit'; readonly rate: number; readonly burst: number; readonly per: LimitKey }
  /** One of every `every` matching packets is copied to user space. */
  | { readonly kind: 'sample'; readonly every: number }

/** What becomes of the copies of a rule that samples, if they go to a ring buffer of their own. */
export interface Capture {
  /** Bytes of a packet that are copied at most. */
  readonly snaplen: number
  /** Copy only packets of which this became; any by default. `tx`: they were answered. */
  readonly verdict?: 'drop' | 'pass' | 'tx'
  /** Size of the ring buffer, bytes: a power of two, and a page at least. */
  readonly ringBytes: number
}

export interface Rule {
  /** Stable name of the rule: counters and limits are kept under it across reloads. */
  readonly id: string
  readonly action: Action
  readonly when: Expr
  /** CLOCK_BOOTTIME-independent expiry: nanoseconds of CLOCK_MONOTONIC after which the rule no longer matches. */
  readonly until?: bigint
  /** Of a rule that samples: somebody captures what it matches. */
  readonly capture?: Capture
}

export type MalformedPolicy = 'drop' | 'pass'

/** Rules in order; the first that decides wins, and a packet that no rule decides passes. */
export interface RuleSet {
  readonly rules: readonly Rule[]
  readonly malformed: MalformedPolicy
}
