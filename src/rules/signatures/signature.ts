/** p0f v3 signatures of TCP SYNs, `ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass`; docs/rules.md says what each part means. */

/** Oddities of a packet, in the order in which they are printed. */
export const quirks = [
  'df',
  'id+',
  'id-',
  'ecn',
  '0+',
  'flow',
  'seq-',
  'ack+',
  'ack-',
  'uptr+',
  'urgf+',
  'pushf+',
  'ts1-',
  'ts2+',
  'opt+',
  'exws',
  'bad',
] as const

export type Quirk = (typeof quirks)[number]

/** Quirks that only one IP version can have: a signature for both does not ask the other version about them. */
export const quirksOnlyOf: Readonly<Record<4 | 6, readonly Quirk[]>> = { 4: ['df', 'id+', 'id-'], 6: ['flow'] }

/** Quirks of TCP options. */
export const optionQuirks: readonly Quirk[] = ['ts1-', 'ts2+', 'opt+', 'exws', 'bad']

/** What a window size has to be, bytes. */
export type WindowSize =
  | 'any'
  | { readonly kind: 'exactly'; readonly size: number }
  /** `%8192`. */
  | { readonly kind: 'multiple'; readonly of: number }
  /** `mss*10`, `mtu*2`. */
  | { readonly kind: 'mss' | 'mtu'; readonly times: number }

/** Kinds of TCP options that have names in signatures. */
export const OPTION = { eol: 0, nop: 1, mss: 2, ws: 3, sok: 4, sack: 5, ts: 8 } as const

export type OptionName = keyof typeof OPTION

/** Length of the options that have a fixed one, bytes; all but `eol` and `nop` with their length byte. */
export const optionLength: Readonly<Partial<Record<number, number>>> = {
  [OPTION.nop]: 1,
  [OPTION.mss]: 4,
  [OPTION.ws]: 3,
  [OPTION.sok]: 2,
  [OPTION.ts]: 10,
}

/** Least and greatest value of the length byte of an option whose length is its own affair. */
export const lengthRange = (kind: number): readonly [number, number] => (kind === OPTION.sack ? [10, 34] : [2, 40])

/** Options that are read; more are `bad`. */
export const MAX_OPTIONS = 24

/** Greatest window scale of RFC 7323; beyond is `exws`. */
export const MAX_SCALE = 14

/** How many hops a packet may have made, unless the signature says `ittl-`. */
export const MAX_DISTANCE = 35

export interface SynSignature {
  readonly version: 4 | 6 | 'any'
  /** Initial TTL. */
  readonly ttl: number
  /** `ittl-`: any TTL up to the initial one will do. */
  readonly anyDistance: boolean
  /** Length of the IP options, bytes. */
  readonly ipOptions: number
  readonly mss: number | 'any'
  readonly window: WindowSize
  /** Window scale; 0 without the option. */
  readonly scale: number | 'any'
  /** Kinds of the TCP options in order; {@link OPTION}.eol is the last if it is there. */
  readonly layout: readonly number[]
  /** Bytes behind `eol`; 0 without it. */
  readonly eolPadding: number
  /** Each once, in the order of {@link quirks}. */
  readonly quirks: readonly Quirk[]
  /** Whether the SYN carries data. */
  readonly payload: boolean | 'any'
}

/** The quirks that a packet of this version needs to match. */
export const quirksFor = (signature: SynSignature, version: 4 | 6): Quirk[] => {
  const foreign = signature.version === 'any' ? quirksOnlyOf[version === 4 ? 6 : 4] : []
  return signature.quirks.filter((quirk) => !foreign.includes(quirk))
}
