import {
  pcapngInterface,
  pcapngPacket,
  pcapngSection,
  pcapngStatistics,
  wholePcapngBlocks,
} from '../../net/pcapng-write.ts'
import { Xdp } from '../../rules/compile/xdp.ts'
import { plural } from '../format/numbers.ts'
import type { ByteSink } from './byte-sink.ts'
import type { Ending, PacketWriter, WrittenPacket } from './packet-writer.ts'
import { WriteError } from './write-error.ts'

interface Counted {
  readonly number: number
  packets: number
  lost: number
}

/**
 * A pcapng file: each packet with its interface, its verdict as a number and, with the rule, in a comment. If it cannot be written to the
 * end, it ends with the last block that is whole.
 */
export class PcapngWriter implements PacketWriter {
  readonly #sink: ByteSink
  readonly #comment: string
  readonly #snaplen: number
  readonly #interfaces = new Map<string, Counted>()

  /** `comment` tells what was captured. */
  constructor(sink: ByteSink, comment: string, snaplen: number) {
    this.#sink = sink
    this.#comment = comment
    this.#snaplen = snaplen
  }

  begin(): Promise<void> {
    return this.#write([pcapngSection({ comment: this.#comment })])
  }

  write(packets: readonly WrittenPacket[]): Promise<void> {
    const blocks: Uint8Array[] = []
    for (const packet of packets) {
      const at = this.#interface(packet.interface, blocks)
      at.packets += 1
      at.lost += packet.lost
      blocks.push(packetBlock(packet, at.number))
    }
    return this.#write(blocks)
  }

  /** Losses at the very end belong to no packet: they are told of the first interface. */
  end({ lost, start, end }: Ending): Promise<void> {
    const counted = [...this.#interfaces.values()]
    const untold = lost - counted.reduce((sum, one) => sum + one.lost, 0)
    return this.#write(
      counted.map(({ number, packets, lost }) => {
        const dropped = lost + (number === 0 ? untold : 0)
        return pcapngStatistics({
          interface: number,
          start,
          end,
          accepted: packets + dropped,
          dropped,
          delivered: packets,
        })
      }),
    )
  }

  #interface(name: string, blocks: Uint8Array[]): Counted {
    const known = this.#interfaces.get(name)
    if (known !== undefined) return known
    const counted = { number: this.#interfaces.size, packets: 0, lost: 0 }
    this.#interfaces.set(name, counted)
    blocks.push(pcapngInterface({ name, snaplen: this.#snaplen }))
    return counted
  }

  async #write(blocks: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(blocks)
    try {
      await this.#sink.write(bytes)
    } catch (error) {
      if (!(error instanceof WriteError) || error.isBrokenPipe) throw error
      const whole = wholePcapngBlocks(bytes, error.written)
      await this.#sink.takeBack(error.written - whole)
      const packets = this.#written(blocks, whole)
      throw new WriteError(error.path, error.cause, whole, `; it can be read, with ${plural(packets, 'packet')}`)
    }
  }

  /** Packets in the file when of these blocks only the first so many bytes are. */
  #written(blocks: readonly Uint8Array[], bytes: number): number {
    const counted = [...this.#interfaces.values()].reduce((sum, { packets }) => sum + packets, 0)
    let at = 0
    const missing = blocks.filter((block) => (at += block.length) > bytes && isPacket(block))
    return counted - missing.length
  }
}

function packetBlock(packet: WrittenPacket, number: number): Uint8Array {
  const { time, bytes, length, verdict, decidedBy, lost } = packet
  return pcapngPacket({
    timestamp: time,
    bytes,
    length,
    interface: number,
    inbound: true,
    xdpAction: Xdp[verdict],
    comment: `verdict=${verdict} ${isRule(decidedBy) ? 'rule' : 'reason'}=${decidedBy}`,
    ...(lost === 0 ? {} : { dropped: lost }),
  })
}

const isRule = (decidedBy: string): boolean => decidedBy !== 'default' && !/^(malformed|syn-cookies):/.test(decidedBy)

/** Type of an enhanced packet block. */
const ENHANCED = 6

const isPacket = (block: Uint8Array): boolean => block[0] === ENHANCED
