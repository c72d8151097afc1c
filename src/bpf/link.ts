import { Descriptor } from './descriptor.ts'
import { UnsupportedError } from './errors.ts'
import * as libbpf from './ffi/libbpf.ts'
import { ATTACH_TYPES, type AttachType } from './kinds.ts'
import { check, openPin, readInfo } from './result.ts'

export type XdpMode = 'native' | 'generic'

/** `XDP_FLAGS_*` of linux/if_link.h. */
const modeFlags: Readonly<Record<XdpMode, number>> = { generic: 1 << 1, native: 1 << 2 }

/** `BPF_LINK_TYPE_NETNS` of `enum bpf_link_type`. */
const NETNS_LINK = 5

/** `BPF_LINK_TYPE_XDP` and `BPF_LINK_TYPE_TCX` of `enum bpf_link_type`. */
const INTERFACE_LINKS = [6, 11]

/** `struct bpf_link_create_opts` of libbpf 1.1. */
const OPTIONS_SIZE = 64
const FLAGS = 8

const EINVAL = -22

/** A program, as much of it as an attachment needs. A map has no tag. */
export interface Attachable {
  readonly fd: number
  readonly name: string
  readonly tag: string
}

export interface LinkInfo {
  readonly id: number
  readonly programId: number
  /** Interface of an XDP or TCX link, in its own namespace; 0 when it is detached or gone, and for other links. */
  readonly ifindex: number
  /** Inode of the network namespace of a `sk_lookup` link; 0 when it is detached or gone, and for other links. */
  readonly netns: number
}

/** An attachment. It ends when it is detached, or when nothing holds it any more: neither a pin nor an open link. */
export class Link {
  readonly #descriptor: Descriptor

  /**
   * Attaches to a network interface of the calling thread's namespace.
   *
   * @throws BpfError BPF_REFUSED
   */
  static attachXdp(program: Attachable, at: { readonly ifindex: number; readonly mode: XdpMode }): Link {
    const operation = `attach program "${program.name}" to interface ${at.ifindex} in ${at.mode} mode`
    return new Link(check(create(program, at.ifindex, 'xdp', modeFlags[at.mode]), operation))
  }

  /**
   * Attaches to the traffic control hook of an interface, in the calling thread's namespace.
   *
   * @throws BpfError BPF_REFUSED; UnsupportedError before Linux 6.6
   */
  static attachTcx(program: Attachable, at: { readonly ifindex: number; readonly direction: TcxDirection }): Link {
    const result = create(program, at.ifindex, `tcx_${at.direction}`)
    if (result === EINVAL && !hasTcx(program)) throw new UnsupportedError('TCX links', '6.6', 'EINVAL')
    return new Link(check(result, `attach program "${program.name}" to ${at.direction} of interface ${at.ifindex}`))
  }

  /**
   * Attaches to what a descriptor stands for: a control group, or a network namespace for `sk_lookup`.
   *
   * @throws BpfError BPF_REFUSED
   */
  static attach(program: Attachable, target: number, type: AttachType): Link {
    const operation = `attach program "${program.name}" to descriptor ${target} as ${type}`
    return new Link(check(create(program, target, type), operation))
  }

  /** @throws BpfError BPF_REFUSED */
  static attachRawTracepoint(program: Attachable, tracepoint: string): Link {
    const operation = `attach program "${program.name}" to raw tracepoint "${tracepoint}"`
    return new Link(check(libbpf.rawTracepointOpen(tracepoint, program.fd), operation))
  }

  /** @throws BpfError BPF_REFUSED, BPF_KIND */
  static openPinned(path: string): Link {
    return new Link(openPin(path, 'bpf-link'))
  }

  private constructor(fd: number) {
    this.#descriptor = new Descriptor(fd, 'link')
  }

  /** @throws BpfError BPF_CLOSED */
  get fd(): number {
    return this.#descriptor.fd
  }

  info(): LinkInfo {
    const info = readInfo(this.fd)
    const type = info.getUint32(0, true)
    const place = info.getUint32(16, true)
    return {
      id: info.getUint32(4, true),
      programId: info.getUint32(8, true),
      ifindex: INTERFACE_LINKS.includes(type) ? place : 0,
      netns: type === NETNS_LINK ? place : 0,
    }
  }

  /** Puts another program in the place of the present one; no packet is missed. */
  update(program: Attachable): void {
    check(libbpf.linkUpdate(this.fd, program.fd, null), `put program "${program.name}" in the place of another`)
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

export type TcxDirection = 'ingress' | 'egress'

function create(program: Attachable, target: number, type: AttachType, flags = 0): number {
  const options = new Uint8Array(OPTIONS_SIZE)
  const view = new DataView(options.buffer)
  view.setBigUint64(0, BigInt(OPTIONS_SIZE), true)
  view.setUint32(FLAGS, flags, true)
  return libbpf.linkCreate(program.fd, target, ATTACH_TYPES[type], options)
}

/** No interface has this index. */
const NO_INTERFACE = 0x7fff_ffff

/** A kernel with TCX looks for the interface; one without does not know what is asked. */
export function hasTcx(program: Attachable): boolean {
  return create(program, NO_INTERFACE, 'tcx_ingress') !== EINVAL
}
