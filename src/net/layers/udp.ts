import { concat, set16 } from '../bytes.ts'
import { type Layer, withChecksum } from './layer.ts'

export interface UdpBuildOptions {
  readonly srcport?: number
  readonly dstport?: number
  /** Length of header and payload in bytes. */
  readonly length?: number
  readonly checksum?: number
}

/** The UDP header. */
export function udp(options: UdpBuildOptions = {}): Layer {
  return {
    protocol: 17,
    write: (payload, _next, pseudo) => {
      const header = new Uint8Array(8)
      set16(header, 0, options.srcport ?? 40000)
      set16(header, 2, options.dstport ?? 9)
      set16(header, 4, options.length ?? 8 + payload.length)
      const bytes = withChecksum(concat(header, payload), 6, 17, pseudo, options.checksum)
      if (options.checksum === undefined && bytes[6] === 0 && bytes[7] === 0 && pseudo) set16(bytes, 6, 0xffff)
      return bytes
    },
  }
}
