/** Reads pcapng files (draft-ietf-opsawg-pcapng): section header, interface, enhanced and simple packet blocks; others are skipped. */
import { type CapturedPacket, failCapture, takeBytes } from './capture.ts'

/** First four bytes of every pcapng file. */
export const PCAPNG_MAGIC = 0x0a0d0d0a

/** Block types. */
export const BLOCK = { section: PCAPNG_MAGIC, interface: 1, simple: 3, statistics: 5, enhanced: 6 } as const

/** Option codes; but for the first two each kind of block has its own. */
export const OPTION = {
  end: 0,
  comment: 1,
  // Of a section.
  application: 4,
  // Of an interface.
  name: 2,
  resolution: 9,
  offset: 14,
  // Of a packet.
  flags: 2,
  dropped: 4,
  verdict: 7,
  // Of an interface's statistics.
  startTime: 2,
  endTime: 3,
  lost: 5,
  accepted: 6,
  delivered: 8,
} as const

const BYTE_ORDER_MAGIC = 0x1a2b3c4d

interface Interface {
  readonly linkType: number
  /** Longest captured packet in bytes, 0 for no limit. */
  readonly snapLength: number
  /** Timestamp units in a second. */
  readonly unitsPerSecond: bigint
  /** Seconds to be added to every timestamp. */
  readonly offset: bigint
}

/**
 * Reads all packets of a pcapng file.
 * @throws NetError NET_CAPTURE with the offset
 */
export function readPcapng(file: Uint8Array): CapturedPacket[] {
  return new Reader(file).read()
}

class Reader {
  readonly #file: Uint8Array
  readonly #view: DataView
  readonly #packets: CapturedPacket[] = []
  #interfaces: Interface[] = []
  #little = true

  constructor(file: Uint8Array) {
    this.#file = file
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  }

  read(): CapturedPacket[] {
    let at = 0
    while (at < this.#file.length) at += this.#block(at)
    return this.#packets
  }

  /** Reads the block at an offset and gives its length. */
  #block(at: number): number {
    const room = this.#file.length - at
    if (room < 12) failCapture(`block header is cut after ${room} bytes, wanted 12`, at)
    const type = this.#u32(at)
    if (type === BLOCK.section) this.#section(at)
    const length = this.#u32(at + 4)
    if (length < 12 || length % 4 !== 0)
      failCapture(`block length is ${length}, wanted a multiple of 4 and 12 at least`, at + 4)
    if (length > room) failCapture(`block is cut: ${room} bytes are there, wanted ${length}`, at)
    const again = this.#u32(at + length - 4)
    if (again !== length) failCapture(`block length is ${length} in front and ${again} behind`, at + length - 4)
    this.#body(type, at + 8, at + length - 4)
    return length
  }

  #body(type: number, at: number, end: number): void {
    const wanted = bodyLengths.get(type)
    if (wanted === undefined) return
    if (end - at < wanted) failCapture(`body of block type ${type} has ${end - at} bytes, wanted ${wanted}`, at)
    if (type === BLOCK.interface) this.#interfaces.push(this.#interface(at, end))
    else if (type === BLOCK.enhanced) this.#packets.push(this.#enhanced(at, end))
    else if (type === BLOCK.simple) this.#packets.push(this.#simple(at, end))
  }

  /** A new section has its own byte order and interfaces. */
  #section(at: number): void {
    const magic = this.#view.getUint32(at + 8, true)
    this.#little = magic === BYTE_ORDER_MAGIC
    if (!this.#little && this.#view.getUint32(at + 8) !== BYTE_ORDER_MAGIC) {
      failCapture(`byte order mark is 0x${magic.toString(16)}, wanted 0x1a2b3c4d`, at + 8)
    }
    if (this.#file.length - at >= 14) {
      const version = this.#u16(at + 12)
      if (version !== 1) failCapture(`pcapng version is ${version}, wanted 1`, at + 12)
    }
    this.#interfaces = []
  }

  #interface(at: number, end: number): Interface {
    const options = this.#options(at + 8, end)
    const resolution = options.get(OPTION.resolution)?.[0] ?? 6
    const offset = options.get(OPTION.offset)
    const base = resolution & 0x80 ? 2n : 10n
    return {
      linkType: this.#u16(at),
      snapLength: this.#u32(at + 4),
      unitsPerSecond: base ** BigInt(resolution & 0x7f),
      offset: offset?.length === 8 ? viewOf(offset).getBigInt64(0, this.#little) : 0n,
    }
  }

  #enhanced(at: number, end: number): CapturedPacket {
    const id = this.#u32(at)
    const device = this.#interfaces[id]
    if (!device) failCapture(`packet is of interface ${id}, the section has ${this.#interfaces.length}`, at)
    const ticks = (BigInt(this.#u32(at + 4)) << 32n) | BigInt(this.#u32(at + 8))
    const bytes = takeBytes(this.#file, at + 20, this.#u32(at + 12), end)
    const comment = this.#options(at + 20 + ((bytes.length + 3) & ~3), end).get(OPTION.comment)
    return {
      timestamp: (ticks * 1_000_000_000n) / device.unitsPerSecond + device.offset * 1_000_000_000n,
      bytes,
      length: this.#u32(at + 16),
      linkType: device.linkType,
      ...(comment ? { comment: new TextDecoder().decode(comment) } : {}),
    }
  }

  /** A packet of the first interface, without a time; its captured length follows from the interface's limit. */
  #simple(at: number, end: number): CapturedPacket {
    const [device] = this.#interfaces
    if (!device) failCapture('packet is of interface 0, the section has none', at)
    const length = this.#u32(at)
    const captured = Math.min(length, device.snapLength || length)
    return { timestamp: 0n, bytes: takeBytes(this.#file, at + 4, captured, end), length, linkType: device.linkType }
  }

  /** The first option of each code. */
  #options(start: number, end: number): Map<number, Uint8Array> {
    const options = new Map<number, Uint8Array>()
    let at = start
    while (at + 4 <= end) {
      const code = this.#u16(at)
      const length = this.#u16(at + 2)
      if (code === OPTION.end) break
      if (at + 4 + length > end)
        failCapture(`option ${code} is cut: ${end - at - 4} bytes are there, wanted ${length}`, at)
      if (!options.has(code)) options.set(code, this.#file.slice(at + 4, at + 4 + length))
      at += 4 + ((length + 3) & ~3)
    }
    return options
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, this.#little)
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, this.#little)
  }
}

/** Least bytes of the bodies of blocks that are read. */
const bodyLengths: ReadonlyMap<number, number> = new Map([
  [BLOCK.section, 16],
  [BLOCK.interface, 8],
  [BLOCK.simple, 4],
  [BLOCK.enhanced, 20],
])

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
