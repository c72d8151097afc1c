import { BpfError } from '../errors.ts'

/** A section of an object file. */
export interface Section {
  readonly name: string
  /** Empty for sections that have no contents in the file (`.bss`). */
  readonly bytes: Uint8Array
  /** Bytes in memory. */
  readonly size: number
}

export interface Symbol {
  readonly name: string
  readonly kind: 'object' | 'function' | 'other'
  /** Index into `sections`; others (undefined, absolute) have none. */
  readonly section: number
  /** Offset in its section. */
  readonly value: number
  readonly size: number
}

/** As much of an ELF file as describes a BPF object. */
export interface ElfFile {
  readonly sections: readonly Section[]
  readonly symbols: readonly Symbol[]
}

const MAGIC = 0x7f454c46
const CLASS_64 = 2
const LITTLE_ENDIAN = 1
const MACHINE_BPF = 247
const SECTION_HEADER = 64
const SYMBOL = 24
const NO_BITS = 8
const SYMBOL_TABLE = 2
const KINDS: Readonly<Record<number, Symbol['kind']>> = { 1: 'object', 2: 'function' }

/**
 * Reads sections and symbols of a 64-bit little-endian ELF file for BPF.
 *
 * @throws BpfError BPF_OBJECT when it is none, or cut off.
 */
export function readElf(image: Uint8Array): ElfFile {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  try {
    checkHeader(view)
    const headers = readHeaders(view)
    const names = headers[view.getUint16(62, true)]
    if (!names) throw new RangeError('there are no section names')
    const contents = headers.map((header) => contentsOf(image, header))
    const nameTable = contents[headers.indexOf(names)]!
    const sections = headers.map((header, index) => ({
      name: textAt(nameTable, header.name),
      bytes: contents[index]!,
      size: header.size,
    }))
    const table = headers.findIndex((header) => header.type === SYMBOL_TABLE)
    return { sections, symbols: table < 0 ? [] : readSymbols(contents[table]!, contents[headers[table]!.link]!) }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new BpfError('BPF_OBJECT', '', 'read an object file', `${cause.message} (compile it with clang -target bpf)`)
  }
}

function checkHeader(view: DataView): void {
  if (view.byteLength < 64 || view.getUint32(0) !== MAGIC) throw new RangeError('it is no ELF file')
  if (view.getUint8(4) !== CLASS_64 || view.getUint8(5) !== LITTLE_ENDIAN) {
    throw new RangeError('it is not 64-bit little-endian')
  }
  const machine = view.getUint16(18, true)
  if (machine !== MACHINE_BPF) throw new RangeError(`it is for machine ${machine}, wanted ${MACHINE_BPF} (BPF)`)
}

interface Header {
  readonly name: number
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
}

function readHeaders(view: DataView): Header[] {
  const [start, count] = [Number(view.getBigUint64(40, true)), view.getUint16(60, true)]
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * SECTION_HEADER
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    }
  })
}

function contentsOf(image: Uint8Array, { type, offset, size }: Header): Uint8Array {
  if (type === NO_BITS || type === 0) return new Uint8Array()
  if (offset + size > image.length) throw new RangeError('it is cut off')
  return image.subarray(offset, offset + size)
}

function readSymbols(table: Uint8Array, names: Uint8Array): Symbol[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  return Array.from({ length: Math.floor(table.length / SYMBOL) }, (_, index) => {
    const at = index * SYMBOL
    return {
      name: textAt(names, view.getUint32(at, true)),
      kind: KINDS[view.getUint8(at + 4) & 15] ?? 'other',
      section: view.getUint16(at + 6, true),
      value: Number(view.getBigUint64(at + 8, true)),
      size: Number(view.getBigUint64(at + 16, true)),
    }
  })
}

const decoder = new TextDecoder()

/** The C string at an offset of a table of strings. */
export function textAt(table: Uint8Array, at: number): string {
  const end = table.indexOf(0, at)
  return decoder.decode(table.subarray(at, end < 0 ? table.length : end))
}
