import { concat, set16 } from '../bytes.ts'
import { checksum } from '../checksum.ts'
import { type Layer, withChecksum } from './layer.ts'

export interface IcmpOptions {
  readonly type?: number
  readonly code?: number
  readonly ident?: number
  readonly seq?: number
  readonly checksum?: number
}

/** ICMP; an echo request by default. */
export function icmp(options: IcmpOptions = {}): Layer {
  return {
    protocol: 1,
    write: (payload) => {
      const bytes = concat(icmpHeader(options, 8), payload)
      set16(bytes, 2, options.checksum ?? checksum(bytes))
      return bytes
    },
  }
}

/** ICMPv6; an echo request by default. */
export function icmpv6(options: IcmpOptions = {}): Layer {
  return {
    protocol: 58,
    write: (payload, _next, pseudo) =>
      withChecksum(concat(icmpHeader(options, 128), payload), 2, 58, pseudo, options.checksum),
  }
}

function icmpHeader(options: IcmpOptions, type: number): Uint8Array {
  const header = new Uint8Array(8)
  header[0] = options.type ?? type
  header[1] = options.code ?? 0
  set16(header, 4, options.ident ?? 1)
  set16(header, 6, options.seq ?? 1)
  return header
}
