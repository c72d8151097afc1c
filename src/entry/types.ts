/** Plain values that all capabilities hand out: all of them survive JSON, so the local API sends them as they are. */

export type XdpMode = 'native' | 'generic'

/** Packets and bytes, summed over all CPUs. */
export interface Count {
  readonly packets: number
  readonly bytes: number
}

export interface InterfaceStatus {
  readonly name: string
  readonly ifindex: number
  /** `generic` means that the driver refused native XDP, or that the configuration asked for it. */
  readonly mode: XdpMode
  readonly attached: boolean
  /** Whether the interface is switched on. */
  readonly up: boolean
  /** Why native mode was not possible, when it was tried. */
  readonly note?: string
  /** What its driver counted since the interface was made; whether with what XDP dropped is the driver's to say. */
  readonly received?: Count
  /** Packets that the kernel lost before any program saw them, as for want of room in a queue. */
  readonly missed?: number
}

export type ChangeKind = 'add' | 'remove' | 'change' | 'move'

/** One line of a plan: `+ rule drop-dns  drop if udp.srcport == 53`. */
export interface Change {
  readonly kind: ChangeKind
  readonly what: 'interface' | 'rule' | 'set' | 'policy' | 'service' | 'backend' | 'announce' | 'label' | 'udpgrm'
  readonly name: string
  readonly before?: string
  readonly after?: string
}
