import { readFileSync } from 'node:fs'
import { buildPacket, ethernet, ipv4, tcp } from '../../src/net/build.ts'
import { OPTION, type Quirk, type SynSignature } from '../../src/rules/signatures/signature.ts'

/** Debian's, of the package p0f. */
const DATABASE = '/etc/p0f/p0f.fp'

/** The signatures of SYNs in p0f's own database, as they are written there. */
export function synSignatures(): string[] {
  const [, part] = /^\[tcp:request\]$(.*?)^\[tcp:response\]$/ms.exec(readFileSync(DATABASE, 'utf8')) ?? []
  if (part === undefined) throw new Error(`${DATABASE} has no part [tcp:request]`)
  return [...part.matchAll(/^sig\s*=\s*(\S+)/gm)].map(([, signature]) => signature!)
}

const SYN = 0x02
const ECN = 0xc0
const DF = 2

/** A SYN of IPv4 without payload that has a signature of {@link synSignatures}. */
export function synOf(signature: SynSignature): Uint8Array {
  const mss = signature.mss === 'any' ? 1460 : signature.mss
  const has = (quirk: Quirk): boolean => signature.quirks.includes(quirk)
  const isFragmentable = !has('df')
  return buildPacket(
    ethernet(),
    ipv4({ ttl: signature.ttl, flags: isFragmentable ? 0 : DF, id: isFragmentable || has('id+') ? 1 : 0 }),
    tcp({
      seq: 1,
      ack: has('ack+') ? 0x0101_0101 : 0,
      flags: has('ecn') ? SYN | ECN : SYN,
      urgentPointer: has('uptr+') ? 1 : 0,
      window: windowOf(signature, mss),
      options: Uint8Array.from(signature.layout.flatMap((kind) => optionOf(kind, signature, mss))),
    }),
  )
}

function windowOf({ window }: SynSignature, mss: number): number {
  if (window === 'any') return 1
  if (window.kind === 'exactly') return window.size
  if (window.kind === 'multiple') return window.of
  return window.times * (window.kind === 'mss' ? mss : mss + 40)
}

function optionOf(kind: number, { scale, eolPadding }: SynSignature, mss: number): number[] {
  switch (kind) {
    case OPTION.eol:
      return new Array<number>(1 + eolPadding).fill(0)
    case OPTION.mss:
      return [kind, 4, mss >> 8, mss & 255]
    case OPTION.ws:
      return [kind, 3, scale === 'any' ? 7 : scale]
    case OPTION.sok:
      return [kind, 2]
    case OPTION.ts:
      return [kind, 10, 0, 0, 0, 1, 0, 0, 0, 0]
    default:
      return [kind]
  }
}
