import type { BtfType, Member } from './btf.ts'

/** How a value lies in memory: what programs and TypeScript must agree on, and nothing else. */
export type Layout = Scalar | Enumeration | Text | Bytes | List | Struct

export interface Scalar {
  readonly kind: 'int' | 'bool'
  readonly size: number
  readonly signed: boolean
  /** `__be16` and the like: network order. */
  readonly bigEndian: boolean
}

export interface Enumeration {
  readonly kind: 'enum'
  readonly name: string
  readonly size: number
  readonly values: readonly { readonly name: string; readonly value: bigint }[]
}

/** `char[size]`. */
export interface Text {
  readonly kind: 'text'
  readonly size: number
}

/** `__u8[size]`. */
export interface Bytes {
  readonly kind: 'bytes'
  readonly size: number
}

export interface List {
  readonly kind: 'list'
  readonly size: number
  readonly element: Layout
  readonly length: number
}

export interface Struct {
  readonly kind: 'struct'
  readonly name: string
  readonly size: number
  readonly fields: readonly Field[]
}

export interface Field {
  readonly name: string
  /** Bytes from the start of the struct. */
  readonly offset: number
  readonly layout: Layout
}

/** A type that programs and user space cannot share. The message names the field. */
export class LayoutError extends Error {
  constructor(where: string, reason: string) {
    super(`Cannot share ${where} with user space: ${reason}`)
    this.name = 'LayoutError'
  }
}

/**
 * The layout of a type.
 *
 * @param where names the type in messages, as in `map "rules": value`.
 * @throws LayoutError for pointers, bitfields, unions and what else has no one meaning.
 */
export function layoutOf(types: readonly BtfType[], id: number, where: string): Layout {
  return new Resolver(types).layout(id, where)
}

class Resolver {
  readonly #types: readonly BtfType[]

  constructor(types: readonly BtfType[]) {
    this.#types = types
  }

  layout(id: number, where: string): Layout {
    const { type, bigEndian, typedef } = this.#bare(id)
    if (type.kind === 'int') return scalar(type, bigEndian, where)
    if (type.kind === 'enum') {
      return { kind: 'enum', name: type.name || typedef, size: type.size, values: type.values }
    }
    if (type.kind === 'array') return this.#list(type.type, type.length, where)
    if (type.kind === 'struct') {
      const name = type.name || typedef
      return { kind: 'struct', name, size: type.size, fields: this.#fields(type.members, 0, where) }
    }
    throw new LayoutError(where, refusals[type.kind] ?? `its type is a ${type.kind}`)
  }

  /** Without typedefs and qualifiers. */
  #bare(id: number): { type: BtfType; bigEndian: boolean; typedef: string } {
    let [type, bigEndian, typedef] = [this.#types[id]!, false, '']
    while (type.kind === 'typedef' || type.kind === 'qualifier') {
      if (type.kind === 'typedef') {
        typedef = type.name
        bigEndian ||= /^__(be(16|32|64)|sum16)$/.test(type.name)
      }
      type = this.#types[type.type]!
    }
    return { type, bigEndian, typedef }
  }

  #list(element: number, length: number, where: string): Layout {
    const { type, typedef } = this.#bare(element)
    if (type.kind === 'int' && type.size === 1 && type.encoding !== 'bool') {
      if (type.name === 'char' && typedef === '') return { kind: 'text', size: length }
      if (type.encoding === 'unsigned') return { kind: 'bytes', size: length }
    }
    const layout = this.layout(element, `${where}[]`)
    return { kind: 'list', element: layout, length, size: layout.size * length }
  }

  /** The members of a struct without a name, in another one, are that one's. */
  #fields(members: readonly Member[], base: number, where: string): Field[] {
    return members.flatMap((member) => {
      const here = `${where}.${member.name || '(unnamed)'}`
      if (member.bitSize > 0) throw new LayoutError(here, 'it is a bitfield (use a whole integer and masks)')
      const offset = base + member.bitOffset / 8
      const { type } = this.#bare(member.type)
      if (member.name === '' && type.kind === 'struct') return this.#fields(type.members, offset, where)
      return [{ name: member.name, offset, layout: this.layout(member.type, here) }]
    })
  }
}

const refusals: Readonly<Partial<Record<BtfType['kind'], string>>> = {
  pointer: 'it is a pointer (an address of the kernel means nothing in user space)',
  union: 'it is a union, whose meaning nothing tells (use a struct, or bytes)',
  void: 'it is void',
}

function scalar(type: BtfType & { kind: 'int' }, bigEndian: boolean, where: string): Scalar {
  if (type.size > 8) throw new LayoutError(where, `it has ${type.size * 8} bits (wanted at most 64; use bytes)`)
  const kind = type.encoding === 'bool' ? 'bool' : 'int'
  return { kind, size: type.size, signed: type.encoding === 'signed', bigEndian }
}

/**
 * Refuses bytes that no field has: the compiler leaves them as they are, and as a key of a hash they would make two
 * equal keys differ.
 *
 * @throws LayoutError
 */
export function refusePadding(layout: Layout, where: string): void {
  if (layout.kind === 'list') refusePadding(layout.element, `${where}[]`)
  if (layout.kind !== 'struct') return
  let end = 0
  for (const { name, offset, layout: inner } of layout.fields) {
    if (offset !== end) throw new LayoutError(`${where}.${name}`, gap(offset - end, 'before it'))
    refusePadding(inner, `${where}.${name}`)
    end = offset + inner.size
  }
  if (end !== layout.size) throw new LayoutError(where, gap(layout.size - end, 'at its end'))
}

function gap(bytes: number, place: string): string {
  return `there are ${bytes} bytes of padding ${place}, which a key must not have (add a field for them, and set it to 0)`
}
