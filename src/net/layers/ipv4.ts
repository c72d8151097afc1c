import { concat, set16 } from '../bytes.ts'
import { checksum } from '../checksum.ts'
import { ipAddress } from './ip-address.ts'
import { type Layer, pad4 } from './layer.ts'

export interface Ipv4Options {
  readonly src?: string
  readonly dst?: string
  readonly version?: number
  /** Header length in bytes; default: what the options need. */
  readonly headerLength?: number
  /** DSCP and ECN together, 8 bits. */
  readonly tos?: number
  /** Total length in bytes. */
  readonly length?: number
  readonly id?: number
  /** Reserved, DF and MF, 3 bits. */
  readonly flags?: number
  /** Bytes, a multiple of 8. */
  readonly fragmentOffset?: number
  readonly ttl?: number
  readonly protocol?: number
  readonly checksum?: number
  /** Padded with zeros to a multiple of 4 bytes. */
  readonly options?: Uint8Array
}

/** The IPv4 header. */
export function ipv4(options: Ipv4Options = {}): Layer {
  const pseudoHeader = {
    src: ipAddress(options.src ?? '192.0.2.1', 4),
    dst: ipAddress(options.dst ?? '198.51.100.1', 4),
  }
  return {
    etherType: 0x0800,
    protocol: 4,
    pseudoHeader,
    write: (payload, next) => {
      const tail = options.options ?? new Uint8Array(0)
      const header = new Uint8Array(20 + pad4(tail.length))
      header[0] = ((options.version ?? 4) << 4) | ((options.headerLength ?? header.length) >> 2)
      header[1] = options.tos ?? 0
      set16(header, 2, options.length ?? header.length + payload.length)
      set16(header, 4, options.id ?? 0)
      set16(header, 6, ((options.flags ?? 0) << 13) | ((options.fragmentOffset ?? 0) >> 3))
      header[8] = options.ttl ?? 64
      header[9] = options.protocol ?? next?.protocol ?? 253
      header.set(pseudoHeader.src, 12)
      header.set(pseudoHeader.dst, 16)
      header.set(tail, 20)
      set16(header, 10, options.checksum ?? checksum(header))
      return concat(header, payload)
    },
  }
}
