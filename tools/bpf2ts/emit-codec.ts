import type { Enumeration, Layout, Scalar } from '../../src/bpf/btf/layout.ts'
import { camel, pascal } from './names.ts'

/** The TypeScript type of a layout. */
export function typeText(layout: Layout): string {
  switch (layout.kind) {
    case 'int':
      return layout.size === 8 ? 'bigint' : 'number'
    case 'bool':
      return 'boolean'
    case 'enum':
      return pascal(layout.name) || 'number'
    case 'text':
      return 'string'
    case 'bytes':
      return 'Uint8Array'
    case 'list':
      return `readonly ${elementText(layout.element)}[]`
    case 'struct':
      return pascal(layout.name)
  }
}

function elementText(layout: Layout): string {
  const text = typeText(layout)
  return text.startsWith('readonly ') ? `(${text})` : text
}

/** An expression that reads a value at `at`. */
export function readText(layout: Layout, at: string): string {
  switch (layout.kind) {
    case 'int':
    case 'bool':
      return readScalar(layout, at)
    case 'enum':
      return layout.name
        ? `${readScalar(integerOf(layout), at)} as ${pascal(layout.name)}`
        : readScalar(integerOf(layout), at)
    case 'text':
      return `readText(view, ${at}, ${layout.size})`
    case 'bytes':
      return `readBytes(view, ${at}, ${layout.size})`
    case 'list': {
      const { element, length } = layout
      return `readList(${length}, ${at}, ${element.size}, (at) => ${readText(element, 'at')})`
    }
    case 'struct':
      return `${pascal(layout.name)}.read(view, ${at})`
  }
}

/** A statement that writes `value` at `at`. */
export function writeText(layout: Layout, at: string, value: string): string {
  switch (layout.kind) {
    case 'int':
    case 'bool':
      return writeScalar(layout, at, value)
    case 'enum':
      return writeScalar(integerOf(layout), at, value)
    case 'text':
      return `writeText(view, ${at}, ${layout.size}, ${value})`
    case 'bytes':
      return `writeBytes(view, ${at}, ${layout.size}, ${value})`
    case 'list': {
      const { element, length } = layout
      return `writeList(${value}, ${length}, ${at}, ${element.size}, (at, one) => ${writeText(element, 'at', 'one')})`
    }
    case 'struct':
      return `${pascal(layout.name)}.write(view, ${at}, ${value})`
  }
}

/** An expression for the codec of a layout. */
export function codecText(layout: Layout): string {
  if (layout.kind === 'struct') return pascal(layout.name)
  if (layout.kind === 'int' && !layout.signed && !layout.bigEndian && layout.size === 4) return 'U32'
  if (layout.kind === 'int' && !layout.signed && !layout.bigEndian && layout.size === 8) return 'U64'
  const type = typeText(layout)
  return `{
    size: ${layout.size},
    read: (view: DataView, at: number): ${type} => ${readText(layout, 'at')},
    write: (view: DataView, at: number, value: ${type}): void => ${writeText(layout, 'at', 'value')},
  }`
}

/** `offset` bytes on from `at`. */
export function plus(offset: number): string {
  return offset === 0 ? 'at' : `at + ${offset}`
}

/** The name of a field in TypeScript. */
export const fieldName = camel

/** `DataView` has methods by sign and bits; a byte has no order. */
function methodOf({ size, signed }: Scalar): string {
  return `${size === 8 ? 'Big' : ''}${signed ? 'Int' : 'Uint'}${size * 8}`
}

function readScalar(layout: Scalar, at: string): string {
  if (layout.kind === 'bool') return `view.getUint8(${at}) !== 0`
  return `view.get${methodOf(layout)}(${at}${order(layout)})`
}

function writeScalar(layout: Scalar, at: string, value: string): string {
  if (layout.kind === 'bool') return `view.setUint8(${at}, ${value} ? 1 : 0)`
  return `view.set${methodOf(layout)}(${at}, ${value}${order(layout)})`
}

function order({ size, bigEndian }: Scalar): string {
  return size === 1 || bigEndian ? '' : ', true'
}

/** What an enumeration is in memory. */
function integerOf({ size, values }: Enumeration): Scalar {
  return { kind: 'int', size, signed: values.some(({ value }) => value < 0n), bigEndian: false }
}
