import { fields } from '../fields.ts'
import { compare } from '../make.ts'
import {
  MAX_DISTANCE,
  OPTION,
  optionLength,
  optionQuirks,
  type Quirk,
  quirksFor,
  type SynSignature,
} from '../signatures/signature.ts'
import { type Atom, compareAtom, flagAtom, listAtoms, predicateAtom } from './atoms.ts'
import { absentValue } from './classify.ts'
import { IP_HEADER, payloadAt, payloadLength, TCP_HEADER } from './parse/payload.ts'

/** A signature for packets of one IP version, with only the quirks that it can have. */
export interface VersionedSignature extends SynSignature {
  readonly version: 4 | 6
}

/** What code asks of a packet: its IP header and the fixed TCP header, the TCP options, the window. */
export type SignaturePart = 'headers' | 'options' | 'window'

/** Slots that telling a signature needs, and what they hold in packets without these headers. */
export function signatureSlots({ payload }: SynSignature): [slot: string, absent: number][] {
  const headers = [IP_HEADER, TCP_HEADER].flatMap((header) => [payloadAt(header), payloadLength(header)])
  const slots = headers.map((slot): [string, number] => [slot, 0])
  return payload === 'any' ? slots : [...slots, [TCP_LENGTH, absentValue(fields[TCP_LENGTH].type.bits)]]
}

export const TCP_LENGTH = 'tcp.len'

/** The signature for each IP version of which some packet can have it. */
export function versionsOf(signature: SynSignature): VersionedSignature[] {
  const versions = signature.version === 'any' ? ([4, 6] as const) : [signature.version]
  return versions
    .map((version) => ({ ...signature, version, quirks: quirksFor(signature, version) }))
    .filter((signature) => canMatch(signature))
}

function canMatch(signature: VersionedSignature): boolean {
  const { version, ipOptions, quirks, eolPadding } = signature
  const options = layoutLength(signature)
  const has = (quirk: Quirk): boolean => quirks.includes(quirk)
  if (version === 4 ? !isOptionLength(ipOptions) || has(has('df') ? 'id-' : 'id+') : ipOptions > 0 || has('0+'))
    return false
  if (options !== undefined && !isOptionLength(options)) return false
  if (isMultipleOfMss(signature) && !signature.layout.includes(OPTION.mss)) return false
  return !(has('ack-') || (has('urgf+') && has('uptr+')) || (has('opt+') && eolPadding === 0))
}

/** Whether the window is one of the MSS or the MTU. */
export const isMultipleOfMss = ({ window }: SynSignature): boolean =>
  window !== 'any' && (window.kind === 'mss' || window.kind === 'mtu')

/** Headers are of whole 32-bit words, and at most 60 bytes long. */
const isOptionLength = (bytes: number): boolean => bytes <= 40 && bytes % 4 === 0

/** The whole test of a signature in one. */
export const signatureAtom = (signature: SynSignature): Atom =>
  predicateAtom({ kind: 'signature', parts: ['headers', 'options', 'window'], signature })

/**
 * The test of a signature in parts, each of which it shares with signatures that are alike in it: first what any rule asks about, then
 * code of its own, asked only of packets that are left. Many signatures cost little more than a few.
 */
export function signatureAtoms(signature: SynSignature): Atom[] {
  const { window } = signature
  const { headers, options } = reduced(signature)
  const multiple = window !== 'any' && window.kind !== 'exactly'
  const atoms = [...prefilter(signature), predicateAtom({ kind: 'signature', parts: ['headers'], signature: headers })]
  if (layoutLength(signature) === undefined && multiple)
    return [...atoms, predicateAtom({ kind: 'signature', parts: ['options', 'window'], signature })]
  atoms.push(predicateAtom({ kind: 'signature', parts: ['options'], signature: options }))
  return multiple
    ? [...atoms, predicateAtom({ kind: 'signature', parts: ['window'], signature: windowOnly(signature) })]
    : atoms
}

const ANY = { ttl: 255, anyDistance: true, mss: 'any', window: 'any', scale: 'any', payload: 'any' } as const
const NO_OPTIONS = { layout: [], eolPadding: 0 } as const

/** The signature with only what its headers are asked about, and with only what its options are. */
function reduced(signature: SynSignature): { headers: SynSignature; options: SynSignature } {
  const { quirks, payload, mss, scale } = signature
  const own = quirks.filter((quirk) => !optionQuirks.includes(quirk))
  return {
    headers: { ...signature, ...ANY, ...NO_OPTIONS, payload, quirks: own },
    options: {
      ...signature,
      ...ANY,
      version: 4,
      ipOptions: 0,
      mss,
      scale,
      quirks: quirks.filter((quirk) => !own.includes(quirk)),
    },
  }
}

/** The signature with only what its window is asked about: of the options, where the MSS and the timestamp are. */
function windowOnly(signature: SynSignature): SynSignature {
  const { window } = signature
  const plain = window !== 'any' && window.kind === 'multiple'
  return plain
    ? { ...signature, ...ANY, ...NO_OPTIONS, version: 4, ipOptions: 0, quirks: [], window }
    : { ...signature, ...ANY, quirks: [], window }
}

/** What any packet with the signature has in the dimensions that all rules share; it rules out nearly all packets. */
function prefilter(signature: SynSignature): Atom[] {
  const { version, quirks, ttl, anyDistance, window } = signature
  const mask = quirks.includes('ecn') ? 0x3f : 0xff
  const least = anyDistance ? 0 : Math.max(0, ttl - MAX_DISTANCE)
  const atoms = [
    ...(version === 'any' ? [] : [flagAtom(version === 4 ? 'ipv4' : 'ipv6')]),
    equals('tcp.flags', flagsOf(signature), mask),
    ...listAtoms({ name: 'ip.ttl' }, [{ kind: 'range', from: least, to: ttl }]),
  ]
  if (window !== 'any' && window.kind === 'exactly') atoms.push(equals('tcp.window', window.size))
  const options = layoutLength(signature)
  if (options !== undefined) atoms.push(equals('tcp.hdr_len', 20 + options))
  return atoms
}

const equals = (name: 'tcp.window' | 'tcp.hdr_len' | 'tcp.flags', value: number, mask?: number): Atom =>
  compareAtom(compare({ name }, '==', { kind: 'number', value }, mask))

/** TCP flags but ECE and CWR. */
export const flagsOf = ({ quirks }: SynSignature): number =>
  0x02 | (quirks.includes('pushf+') ? 0x08 : 0) | (quirks.includes('urgf+') ? 0x20 : 0)

/** Length of the options in bytes, if it is the same for all packets with the signature. */
export function layoutLength({ layout, eolPadding, quirks }: SynSignature): number | undefined {
  if (quirks.includes('bad')) return undefined
  let length = 0
  for (const kind of layout) {
    const own = kind === OPTION.eol ? 1 + eolPadding : optionLength[kind]
    if (own === undefined) return undefined
    length += own
  }
  return length
}
