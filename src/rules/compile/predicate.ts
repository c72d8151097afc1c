import type { Comparison, PrefixLengths } from '../ast.ts'
import { type ClassicProgram, formatClassic } from '../classic/index.ts'
import type { FieldName } from '../fields.ts'
import { formatSignature } from '../signatures/format-signature.ts'
import type { SynSignature } from '../signatures/signature.ts'
import type { SignaturePart } from './signature.ts'

/** A question about a packet that takes code of its own; false if the packet lacks the field. */
export type Predicate =
  | { readonly kind: 'set'; readonly field: 'ip.src' | 'ip.dst'; readonly name: string }
  | {
      readonly kind: 'bytes'
      readonly field: FieldName
      readonly offset: number
      readonly bytes: Uint8Array
      readonly equal: boolean
    }
  | {
      readonly kind: 'contains'
      readonly field: FieldName
      readonly offset: number
      readonly length: number
      readonly bytes: Uint8Array
    }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pattern'; readonly pattern: string }
  | {
      readonly kind: 'signature'
      readonly parts: readonly SignaturePart[]
      readonly signature: SynSignature
    }
  | ({ readonly kind: 'connections'; readonly op: Comparison; readonly value: number } & PrefixLengths)
  | { readonly kind: 'pcap'; readonly program: ClassicProgram }
  /** There is a name asked for. */
  | { readonly kind: 'question' }
  /** Not yet `until` nanoseconds of CLOCK_MONOTONIC. */
  | { readonly kind: 'before'; readonly until: bigint }

export function predicateKey(p: Predicate): string {
  switch (p.kind) {
    case 'set':
      return `${p.field} in $${p.name}`
    case 'bytes':
      return `${p.field}[${p.offset}] ${p.equal ? '==' : '!='} ${Buffer.from(p.bytes).toString('hex')}`
    case 'contains':
      return `${p.field}[${p.offset}:${p.length}] contains ${Buffer.from(p.bytes).toString('hex')}`
    case 'name':
      return `dns.qry.name == ${p.name}`
    case 'question':
      return 'dns.qry.name'
    case 'pattern':
      return `dns.qry.name matches ${p.pattern}`
    case 'signature':
      return `p0f ${p.parts.join('+')} ${formatSignature(p.signature)}`
    case 'connections':
      return `connections ${p.bits4} ${p.bits6} ${p.op} ${p.value}`
    case 'pcap':
      return `pcap ${formatClassic(p.program).join()}`
    case 'before':
      return `before ${p.until}`
  }
}
