import { formatAddress } from '../../net/address.ts'
import type { Dissection } from '../../net/dissect.ts'
import { formatMac } from '../../net/mac.ts'
import { type AnyFact, type FieldRef, fields, readFact } from '../../rules/index.ts'

/** Bytes of a payload that are shown. */
const SHOWN = 32

/** What the packet has in a field, as text; null if it does not have the field. */
export function fieldText(packet: Dissection, { name, slice }: FieldRef): string | null {
  const fact = readFact(packet, name)
  const { kind } = fields[name].type
  if (fact === undefined) return null
  if (typeof fact === 'boolean') return fact ? 'yes' : 'no'
  if (typeof fact === 'number') return kind === 'mac' ? formatMac(fact) : String(fact)
  if (!(fact instanceof Uint8Array)) return formatAddress(fact)
  return kind === 'name' ? nameText(fact) : bytesText(fact, slice)
}

function bytesText(payload: NonNullable<AnyFact> & Uint8Array, slice: FieldRef['slice']): string | null {
  const { offset, length } = slice ?? { offset: 0, length: payload.length }
  const bytes = payload.subarray(offset, offset + length)
  if (bytes.length === 0) return null
  const hex = Buffer.from(bytes.subarray(0, SHOWN)).toString('hex')
  return bytes.length > SHOWN ? `${hex}… (${bytes.length} bytes)` : hex
}

/** A name from its labels on the wire; bytes that are no letters, digits, - or _ as `\DDD`, as in zone files. */
function nameText(wire: Uint8Array): string {
  const labels: string[] = []
  for (let at = 0; at < wire.length && wire[at] !== 0; at += wire[at]! + 1) {
    labels.push([...wire.subarray(at + 1, at + 1 + wire[at]!)].map(letter).join(''))
  }
  return labels.length === 0 ? '.' : labels.join('.')
}

function letter(byte: number): string {
  const text = String.fromCharCode(byte)
  return /[\w-]/.test(text) ? text : `\\${String(byte).padStart(3, '0')}`
}
