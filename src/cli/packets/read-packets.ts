import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type CapturedPacket, LINKTYPE_ETHERNET } from '../../net/capture.ts'
import { readCapture } from '../../net/pcap.ts'
import { usageError } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'
import type { Session } from '../session.ts'
import { areFlowWords, packetOfWords } from './flow-words.ts'
import { parseHexPacket } from './hex.ts'
import { wholePacket } from './whole-packet.ts'

export interface PacketInput {
  readonly packets: readonly Uint8Array[]
  /** Frames of which the capture has only the beginning; zeros stand for the rest. */
  readonly cut: number
}

/**
 * Reads the packets that were named on the command line: a capture file, or one frame, in hexadecimal or by protocol and ends, in as
 * many words as it likes.
 *
 * @throws SeawallError SEAWALL_INPUT, NetError NET_CAPTURE.
 */
export function readPackets(cwd: string, args: readonly string[]): PacketInput {
  const [first = ''] = args
  const path = resolve(cwd, first)
  if (args.length === 1 && isFile(path)) return fromCapture(path, readCapture(readFileSync(path)))
  const words = args.flatMap((arg) => arg.trim().split(/\s+/))
  if (areFlowWords(words)) return { packets: [packetOfWords(words)], cut: 0 }
  if (args.length === 1 && /[./]/.test(first)) {
    throw usageError(
      `Cannot read capture "${first}": there is no such file (wanted pcap or pcapng, or a frame in hexadecimal)`,
    )
  }
  return { packets: [parseHexPacket(args.join(' '))], cut: 0 }
}

/** As {@link readPackets}, but files only. */
export function readCaptureFile(cwd: string, file: string): PacketInput {
  const path = resolve(cwd, file)
  if (isFile(path)) return fromCapture(path, readCapture(readFileSync(path)))
  throw usageError(`Cannot read capture "${file}": there is no such file (wanted pcap or pcapng)`)
}

/** Says so when frames were cut: rules on payloads may see zeros that were not there. */
export function noteCut(session: Session, cut: number): void {
  if (cut > 0)
    session.note(
      `${plural(cut, 'frame')} in the file ${cut === 1 ? 'was' : 'were'} cut by the capture; zeros stand for the rest`,
    )
}

function fromCapture(path: string, captured: readonly CapturedPacket[]): PacketInput {
  const foreign = captured.find((packet) => packet.linkType !== LINKTYPE_ETHERNET)
  if (foreign !== undefined) {
    throw usageError(
      `Cannot use capture "${path}": its link type is ${foreign.linkType}, wanted ${LINKTYPE_ETHERNET}, Ethernet (capture on one interface, not on "any")`,
    )
  }
  if (captured.length === 0) throw usageError(`Cannot use capture "${path}": it has no packets`)
  return {
    packets: captured.map(({ bytes, length }) => wholePacket(bytes, length)),
    cut: captured.filter((packet) => packet.length > packet.bytes.length).length,
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
