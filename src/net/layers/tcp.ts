import { concat, set16, set32 } from '../bytes.ts'
import { type Layer, pad4, withChecksum } from './layer.ts'

export interface TcpBuildOptions {
  readonly srcport?: number
  readonly dstport?: number
  readonly seq?: number
  readonly ack?: number
  /** Header length in bytes. */
  readonly headerLength?: number
  /** CWR is 0x80, FIN 0x01. */
  readonly flags?: number
  readonly window?: number
  readonly checksum?: number
  readonly urgentPointer?: number
  /** Padded with zeros to a multiple of 4 bytes. */
  readonly options?: Uint8Array
}

/** The TCP header; a SYN by default. */
export function tcp(options: TcpBuildOptions = {}): Layer {
  return {
    protocol: 6,
    write: (payload, _next, pseudo) => {
      const tail = options.options ?? new Uint8Array(0)
      const header = new Uint8Array(20 + pad4(tail.length))
      set16(header, 0, options.srcport ?? 40000)
      set16(header, 2, options.dstport ?? 80)
      set32(header, 4, options.seq ?? 0)
      set32(header, 8, options.ack ?? 0)
      header[12] = ((options.headerLength ?? header.length) >> 2) << 4
      header[13] = options.flags ?? 0x02
      set16(header, 14, options.window ?? 65535)
      set16(header, 18, options.urgentPointer ?? 0)
      header.set(tail, 20)
      return withChecksum(concat(header, payload), 16, 6, pseudo, options.checksum)
    },
  }
}
