import { concat, set16, set32 } from '../bytes.ts'
import { parseMac } from '../mac.ts'
import type { Layer } from './layer.ts'

export interface EthernetOptions {
  readonly src?: string
  readonly dst?: string
  readonly type?: number
}

/** The Ethernet header. */
export function ethernet(options: EthernetOptions = {}): Layer {
  return {
    write: (payload, next) => {
      const header = new Uint8Array(14)
      setMac(header, 0, options.dst ?? '02:00:00:00:00:02')
      setMac(header, 6, options.src ?? '02:00:00:00:00:01')
      set16(header, 12, options.type ?? next?.etherType ?? 0)
      return concat(header, payload)
    },
  }
}

export interface VlanOptions {
  readonly id?: number
  readonly priority?: number
  /** EtherType of the tag itself: 0x8100, or 0x88a8 for the outer one of two. */
  readonly tag?: number
  /** EtherType behind the tag. */
  readonly type?: number
}

/** One VLAN tag. */
export function vlan(options: VlanOptions = {}): Layer {
  return {
    etherType: options.tag ?? 0x8100,
    write: (payload, next) => {
      const header = new Uint8Array(4)
      set16(header, 0, ((options.priority ?? 0) << 13) | (options.id ?? 1))
      set16(header, 2, options.type ?? next?.etherType ?? 0)
      return concat(header, payload)
    },
  }
}

function setMac(bytes: Uint8Array, at: number, text: string): void {
  const mac = parseMac(text)
  set16(bytes, at, Math.floor(mac / 2 ** 32))
  set32(bytes, at + 2, mac)
}
