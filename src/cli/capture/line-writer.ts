import { toHex } from '../../agent/api/hex.ts'
import { dissect } from '../../net/dissect.ts'
import { summarize } from '../packets/summary.ts'
import { wholePacket } from '../packets/whole-packet.ts'
import type { ByteSink } from './byte-sink.ts'
import { formatTime } from './clock.ts'
import type { Ending, PacketWriter, WrittenPacket } from './packet-writer.ts'

/** A line a packet: for people, or one JSON object each. */
export class LineWriter implements PacketWriter {
  readonly #sink: ByteSink
  readonly #json: boolean

  constructor(sink: ByteSink, json: boolean) {
    this.#sink = sink
    this.#json = json
  }

  async begin(): Promise<void> {}

  write(packets: readonly WrittenPacket[]): Promise<void> {
    const format = this.#json ? jsonLine : textLine
    return this.#sink.write(Buffer.from(packets.map((packet) => `${format(packet)}\n`).join('')))
  }

  /** For programs the last line sums up; people are told elsewhere. */
  async end({ captured, lost, start, end }: Ending): Promise<void> {
    const summary = { captured, lost, start: formatTime(start), end: formatTime(end) }
    if (this.#json) await this.#sink.write(Buffer.from(`${JSON.stringify(summary)}\n`))
  }
}

function textLine(packet: WrittenPacket): string {
  const { time, verdict, decidedBy } = packet
  return `${formatTime(time)} ${packet.interface} ${verdict} ${decidedBy}  ${summaryOf(packet)}`
}

function jsonLine(packet: WrittenPacket): string {
  const { time, verdict, decidedBy, length, lost, bytes } = packet
  return JSON.stringify({
    time: formatTime(time),
    interface: packet.interface,
    verdict,
    decidedBy,
    length,
    lost,
    summary: summaryOf(packet),
    bytes: toHex(bytes),
  })
}

function summaryOf({ bytes, length }: WrittenPacket): string {
  return summarize(dissect(wholePacket(bytes, length)))
}
