import type { CapturedPacket } from '../../firewall/index.ts'

/** A captured packet as people want it: the time since 1970, the name of the interface. */
export interface WrittenPacket extends Omit<CapturedPacket, 'timestamp' | 'ifindex'> {
  /** Nanoseconds since 1970. */
  readonly time: bigint
  readonly interface: string
}

/** How a capture went. */
export interface Ending {
  readonly captured: number
  /** Packets that matched, and found no room in the ring buffer. */
  readonly lost: number
  /** Nanoseconds since 1970. */
  readonly start: bigint
  readonly end: bigint
}

/** Writes a capture in one of its forms. */
export interface PacketWriter {
  /** Before the first packet, and also when there is none. */
  begin(): Promise<void>
  /** @throws WriteError */
  write(packets: readonly WrittenPacket[]): Promise<void>
  /** After the last packet. */
  end(ending: Ending): Promise<void>
}
