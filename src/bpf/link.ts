import { Descriptor } from './descriptor.ts'
import * as libbpf from './ffi/libbpf.ts'
import { check, openPin, readInfo } from './result.ts'

export type XdpMode = 'native' | 'generic'

/** `XDP_FLAGS_*` of linux/if_link.h. */
const modeFlags: Readonly<Record<XdpMode, number>> = { generic: 1 << 1, native: 1 << 2 }

/** `BPF_XDP` of `enum bpf_attach_type`. */
const ATTACH_XDP = 37
/** `BPF_LINK_TYPE_XDP` of `enum bpf_link_type`. */
const LINK_XDP = 6

/** `struct bpf_link_create_opts` of libbpf 1.1. */
const OPTIONS_SIZE = 64

export interface LinkInfo {
  readonly id: number
  readonly programId: number
  /** Interface of an XDP link, in its own namespace; 0 when it is detached or gone. */
  readonly ifindex: number
}

/** An attachment. It ends when it is detached, or when nothing holds it any more: neither a pin nor an open link. */
export class Link {
  readonly #descriptor: Descriptor

  /** @throws BpfError BPF_REFUSED */
  static attachXdp(program: number, what: string, at: { readonly ifindex: number; readonly mode: XdpMode }): Link {
    const options = new Uint8Array(OPTIONS_SIZE)
    const view = new DataView(options.buffer)
    view.setBigUint64(0, BigInt(OPTIONS_SIZE), true)
    view.setUint32(8, modeFlags[at.mode], true)
    const operation = `attach ${what} to interface ${at.ifindex} in ${at.mode} mode`
    return new Link(check(libbpf.linkCreate(program, at.ifindex, ATTACH_XDP, options), operation))
  }

  /** @throws BpfError BPF_REFUSED, BPF_KIND */
  static openPinned(path: string): Link {
    return new Link(openPin(path, 'bpf-link'))
  }

  private constructor(fd: number) {
    this.#descriptor = new Descriptor(fd, 'a link')
  }

  /** @throws BpfError BPF_CLOSED */
  get fd(): number {
    return this.#descriptor.fd
  }

  info(): LinkInfo {
    const info = readInfo(this.fd)
    const isXdp = info.getUint32(0, true) === LINK_XDP
    return {
      id: info.getUint32(4, true),
      programId: info.getUint32(8, true),
      ifindex: isXdp ? info.getUint32(16, true) : 0,
    }
  }

  /** Puts another program in the place of the present one; no packet is missed. */
  update(program: { readonly fd: number }): void {
    check(libbpf.linkUpdate(this.fd, program.fd, null), 'put another program in place')
  }

  /** Detaches now, even if the link is pinned or open elsewhere. */
  detach(): void {
    check(libbpf.linkDetach(this.fd), 'detach a program')
  }

  /** @throws BpfError BPF_REFUSED */
  pin(path: string): void {
    this.#descriptor.pin(path)
  }

  /** Detaches, unless the link is pinned or open elsewhere. Does nothing the second time. */
  close(): void {
    this.#descriptor.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
