import { BpfError } from '../errors.ts'
import { textAt } from './elf.ts'

export interface Member {
  readonly name: string
  readonly type: number
  readonly bitOffset: number
  /** Of a bitfield; 0 for other members. */
  readonly bitSize: number
}

export interface Enumerator {
  readonly name: string
  readonly value: bigint
}

/** A variable in a section of global data. The compiler leaves its offset to the linker: see the symbol table. */
export interface SectionVariable {
  readonly type: number
  readonly size: number
}

/** A type of the source; `type` is the number of another one, 0 is `void`. */
export type BtfType =
  | { readonly kind: 'void'; readonly name: string }
  | { readonly kind: 'int'; readonly name: string; readonly size: number; readonly encoding: IntEncoding }
  | { readonly kind: 'pointer' | 'typedef' | 'qualifier' | 'function'; readonly name: string; readonly type: number }
  | { readonly kind: 'array'; readonly name: string; readonly type: number; readonly length: number }
  | {
      readonly kind: 'struct' | 'union'
      readonly name: string
      readonly size: number
      readonly members: readonly Member[]
    }
  | { readonly kind: 'enum'; readonly name: string; readonly size: number; readonly values: readonly Enumerator[] }
  | { readonly kind: 'variable'; readonly name: string; readonly type: number }
  | { readonly kind: 'section'; readonly name: string; readonly variables: readonly SectionVariable[] }
  | { readonly kind: 'other'; readonly name: string }

export type IntEncoding = 'unsigned' | 'signed' | 'bool'

const MAGIC = 0xeb9f
const INT = 1
const POINTER = 2
const ARRAY = 3
const STRUCT = 4
const UNION = 5
const ENUM = 6
const TYPEDEF = 8
const VOLATILE = 9
const CONST = 10
const RESTRICT = 11
const FUNCTION = 12
const PROTOTYPE = 13
const VARIABLE = 14
const SECTION = 15
const DECLARATION_TAG = 17
const TYPE_TAG = 18
const ENUM64 = 19
const QUALIFIERS: readonly number[] = [VOLATILE, CONST, RESTRICT, TYPE_TAG]

/**
 * Reads the types in a `.BTF` section, by number.
 *
 * @throws BpfError BPF_OBJECT when it is damaged.
 */
export function readBtf(bytes: Uint8Array): BtfType[] {
  try {
    return [...new Reader(bytes).types()]
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new BpfError('BPF_OBJECT', '', 'read the types of an object file', cause.message, { cause })
  }
}

/** What every type begins with. */
interface Common {
  readonly name: string
  readonly kind: number
  readonly count: number
  /** Bitfields are told apart. */
  readonly flag: boolean
  /** A size or the number of a type. */
  readonly sizeOrType: number
}

class Reader {
  readonly #view: DataView
  readonly #strings: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < 24 || this.#view.getUint16(0, true) !== MAGIC) throw new RangeError('there is no BTF (clang -g)')
    const header = this.#view.getUint32(4, true)
    const [types, size] = [this.#view.getUint32(8, true), this.#view.getUint32(12, true)]
    const [strings, length] = [this.#view.getUint32(16, true), this.#view.getUint32(20, true)]
    this.#strings = bytes.subarray(header + strings, header + strings + length)
    this.#at = header + types
    this.#end = this.#at + size
  }

  *types(): Generator<BtfType> {
    yield { kind: 'void', name: 'void' }
    while (this.#at < this.#end) yield this.#type()
  }

  #u32(): number {
    const value = this.#view.getUint32(this.#at, true)
    this.#at += 4
    return value
  }

  #text(): string {
    return textAt(this.#strings, this.#u32())
  }

  #repeat<T>(count: number, read: () => T): T[] {
    return Array.from({ length: count }, read)
  }

  #type(): BtfType {
    const name = this.#text()
    const info = this.#u32()
    const common = {
      name,
      kind: (info >>> 24) & 31,
      count: info & 0xffff,
      flag: info >>> 31 === 1,
      sizeOrType: this.#u32(),
    }
    return this.#composite(common) ?? this.#simple(common)
  }

  #composite(common: Common): BtfType | undefined {
    const { name, kind, count, flag, sizeOrType: size } = common
    if (kind === STRUCT || kind === UNION) {
      const members = this.#repeat(count, () => this.#member(flag))
      return { kind: kind === STRUCT ? 'struct' : 'union', name, size, members }
    }
    if (kind === ENUM || kind === ENUM64) {
      return { kind: 'enum', name, size, values: this.#repeat(count, () => this.#enumerator(kind === ENUM64)) }
    }
    if (kind === SECTION) return { kind: 'section', name, variables: this.#repeat(count, () => this.#variable()) }
    if (kind === ARRAY) {
      const type = this.#u32()
      this.#at += 4
      return { kind: 'array', name, type, length: this.#u32() }
    }
    return undefined
  }

  #simple({ name, kind, count, sizeOrType }: Common): BtfType {
    if (kind === INT) return { kind: 'int', name, size: sizeOrType, encoding: encodingOf(this.#u32()) }
    if (kind === POINTER) return { kind: 'pointer', name, type: sizeOrType }
    if (kind === TYPEDEF) return { kind: 'typedef', name, type: sizeOrType }
    if (QUALIFIERS.includes(kind)) return { kind: 'qualifier', name, type: sizeOrType }
    if (kind === FUNCTION) return { kind: 'function', name, type: sizeOrType }
    if (kind === PROTOTYPE) this.#at += 8 * count
    if (kind === DECLARATION_TAG) this.#at += 4
    if (kind === VARIABLE) {
      this.#at += 4
      return { kind: 'variable', name, type: sizeOrType }
    }
    return { kind: 'other', name }
  }

  #member(bitfields: boolean): Member {
    const [name, type, offset] = [this.#text(), this.#u32(), this.#u32()]
    return bitfields
      ? { name, type, bitOffset: offset & 0xff_ffff, bitSize: offset >>> 24 }
      : { name, type, bitOffset: offset, bitSize: 0 }
  }

  /** Always signed: compilers before clang 15 do not tell, and the same source must read the same with each. */
  #enumerator(wide: boolean): Enumerator {
    const [name, low] = [this.#text(), this.#u32()]
    const high = wide ? this.#u32() : low >>> 31 === 1 ? 0xffff_ffff : 0
    return { name, value: BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)) }
  }

  #variable(): SectionVariable {
    const type = this.#u32()
    this.#at += 4
    return { type, size: this.#u32() }
  }
}

function encodingOf(info: number): IntEncoding {
  const bits = (info >>> 24) & 15
  return bits & 4 ? 'bool' : bits & 1 ? 'signed' : 'unsigned'
}
