import { concat, set16, set32 } from '../bytes.ts'
import { ipAddress } from './ip-address.ts'
import type { Layer } from './layer.ts'

export interface Ipv6Options {
  readonly src?: string
  readonly dst?: string
  readonly version?: number
  /** DSCP and ECN together, 8 bits. */
  readonly trafficClass?: number
  readonly flow?: number
  /** Payload length in bytes. */
  readonly length?: number
  readonly nextHeader?: number
  readonly hopLimit?: number
}

/** The IPv6 header. */
export function ipv6(options: Ipv6Options = {}): Layer {
  const pseudoHeader = {
    src: ipAddress(options.src ?? '2001:db8::1', 6),
    dst: ipAddress(options.dst ?? '2001:db8::2', 6),
  }
  return {
    etherType: 0x86dd,
    protocol: 41,
    pseudoHeader,
    write: (payload, next) => {
      const header = new Uint8Array(40)
      set32(header, 0, ((options.version ?? 6) << 28) | ((options.trafficClass ?? 0) << 20) | (options.flow ?? 0))
      set16(header, 4, options.length ?? payload.length)
      header[6] = options.nextHeader ?? next?.protocol ?? 59
      header[7] = options.hopLimit ?? 64
      header.set(pseudoHeader.src, 8)
      header.set(pseudoHeader.dst, 24)
      return concat(header, payload)
    },
  }
}

export interface ExtensionOptions {
  /** Body behind the first two bytes; default: the shortest, all zero. Its length should suit the header's unit. */
  readonly body?: Uint8Array
  /** The length byte. */
  readonly length?: number
  readonly nextHeader?: number
}

/** An IPv6 extension header of any kind but fragment: `kind` is its protocol number (0, 43, 51, 60, 135, 139, 140). */
export function extension(kind: number, options: ExtensionOptions = {}): Layer {
  return {
    protocol: kind,
    write: (payload, next) => {
      const body = options.body ?? new Uint8Array(6)
      const size = 2 + body.length
      const header = new Uint8Array(size)
      header[0] = options.nextHeader ?? next?.protocol ?? 59
      header[1] = options.length ?? (kind === 51 ? Math.ceil(size / 4) - 2 : Math.ceil(size / 8) - 1)
      header.set(body, 2)
      return concat(header, payload)
    },
  }
}

export interface FragmentOptions {
  /** Bytes, a multiple of 8. */
  readonly offset?: number
  readonly more?: boolean
  readonly id?: number
  readonly nextHeader?: number
}

/** The IPv6 fragment header. */
export function fragment(options: FragmentOptions = {}): Layer {
  return {
    protocol: 44,
    write: (payload, next) => {
      const header = new Uint8Array(8)
      header[0] = options.nextHeader ?? next?.protocol ?? 59
      set16(header, 2, (options.offset ?? 0) | (options.more ? 1 : 0))
      set32(header, 4, options.id ?? 1)
      return concat(header, payload)
    },
  }
}
