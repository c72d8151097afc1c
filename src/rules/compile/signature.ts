import { fields } from '../fields.ts'
import {
  MAX_DISTANCE,
  OPTION,
  optionLength,
  type Quirk,
  quirksFor,
  type SynSignature,
} from '../signatures/signature.ts'
import { type Atom, compareAtom, flagAtom, listAtoms, predicateAtom } from './atoms.ts'
import { absentValue } from './classify.ts'
import { IP_HEADER, payloadAt, payloadLength, TCP_HEADER } from './parse/payload.ts'

/** A signature of one IP version, with only the quirks that it can have. */
export interface VersionedSignature extends SynSignature {
  readonly version: 4 | 6
}

/** Slots that telling a signature needs, and what they hold in packets without these headers. */
export function signatureSlots({ payload }: VersionedSignature): [slot: string, absent: number][] {
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
  return !(has('ack-') || (has('urgf+') && has('uptr+')) || (has('opt+') && eolPadding === 0))
}

/** Headers are of whole 32-bit words, and at most 60 bytes long. */
const isOptionLength = (bytes: number): boolean => bytes <= 40 && bytes % 4 === 0

/** The whole test of a signature. */
export const signatureAtom = (signature: VersionedSignature): Atom => predicateAtom({ kind: 'signature', signature })

/**
 * What any packet with the signature has in the dimensions that all rules share. It rules out nearly all packets before
 * {@link signatureAtom} is asked, and costs the same for one signature as for a hundred.
 */
export function signaturePrefilter(signature: VersionedSignature): Atom[] {
  const { version, quirks, ttl, anyDistance, window } = signature
  const mask = quirks.includes('ecn') ? 0x3f : 0xff
  const flags = 0x02 | (quirks.includes('pushf+') ? 0x08 : 0) | (quirks.includes('urgf+') ? 0x20 : 0)
  const least = anyDistance ? 0 : Math.max(0, ttl - MAX_DISTANCE)
  const atoms = [
    flagAtom(version === 4 ? 'ipv4' : 'ipv6'),
    compareAtom({
      kind: 'compare',
      field: { name: 'tcp.flags' },
      mask,
      op: '==',
      value: { kind: 'number', value: flags },
    }),
    ...listAtoms({ name: 'ip.ttl' }, [{ kind: 'range', from: least, to: ttl }]),
  ]
  if (window !== 'any' && window.kind === 'exactly') atoms.push(equals('tcp.window', window.size))
  const options = layoutLength(signature)
  if (options !== undefined) atoms.push(equals('tcp.hdr_len', 20 + options))
  return atoms
}

const equals = (name: 'tcp.window' | 'tcp.hdr_len', value: number): Atom =>
  compareAtom({ kind: 'compare', field: { name }, op: '==', value: { kind: 'number', value } })

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
