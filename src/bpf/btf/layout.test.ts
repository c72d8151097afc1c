import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BtfType, Member } from './btf.ts'
import { type Layout, LayoutError, layoutOf, refusePadding } from './layout.ts'

const VOID: BtfType = { kind: 'void', name: 'void' }
const u8: BtfType = { kind: 'int', name: 'unsigned char', size: 1, encoding: 'unsigned' }
const u16: BtfType = { kind: 'int', name: 'unsigned short', size: 2, encoding: 'unsigned' }
const char: BtfType = { kind: 'int', name: 'char', size: 1, encoding: 'signed' }
const u32: BtfType = { kind: 'int', name: 'unsigned int', size: 4, encoding: 'unsigned' }

/** A member at a byte. */
const at = (name: string, byte: number, type: number): Member => ({ name, type, bitOffset: byte * 8, bitSize: 0 })
const struct = (name: string, size: number, members: Member[]): BtfType => ({ kind: 'struct', name, size, members })

test('layoutOf() finds network order in the names of types', () => {
  const types: BtfType[] = [
    VOID,
    u16,
    { kind: 'typedef', name: '__u16', type: 1 },
    { kind: 'typedef', name: '__be16', type: 2 },
  ]
  assert.deepEqual(layoutOf(types, 3, 'x'), { kind: 'int', size: 2, signed: false, bigEndian: true })
  assert.deepEqual(layoutOf(types, 2, 'x'), { kind: 'int', size: 2, signed: false, bigEndian: false })
})

test('layoutOf() takes arrays of char for text and of bytes for bytes', () => {
  const types: BtfType[] = [
    VOID,
    ...[char, u8, u16],
    ...([1, 2, 3].map((type) => ({ kind: 'array', name: '', type, length: 6 })) as BtfType[]),
  ]
  assert.deepEqual(layoutOf(types, 4, 'x'), { kind: 'text', size: 6 })
  assert.deepEqual(layoutOf(types, 5, 'x'), { kind: 'bytes', size: 6 })
  const list = layoutOf(types, 6, 'x')
  assert.ok(list.kind === 'list')
  assert.equal(list.size, 12)
})

test('layoutOf() looks through const and volatile', () => {
  const types: BtfType[] = [
    VOID,
    u32,
    { kind: 'qualifier', name: '', type: 1 },
    { kind: 'qualifier', name: '', type: 2 },
  ]
  assert.equal(layoutOf(types, 3, 'x').size, 4)
})

test('layoutOf() gives the members of a nameless struct to the one around it', () => {
  const types = [
    VOID,
    u32,
    struct('', 8, [at('b', 0, 1), at('c', 4, 1)]),
    struct('outer', 12, [at('a', 0, 1), at('', 4, 2)]),
  ]
  const layout = layoutOf(types, 3, 'x')
  assert.ok(layout.kind === 'struct')
  assert.deepEqual(
    layout.fields.map(({ name, offset }) => [name, offset]),
    [
      ['a', 0],
      ['b', 4],
      ['c', 8],
    ],
  )
})

test('layoutOf() refuses what has no one meaning in user space, and names the field', () => {
  const refused = (type: BtfType, member?: Partial<Member>): (() => Layout) => {
    const members = [{ ...at('field', 0, 1), ...member }]
    return () => layoutOf([VOID, type, struct('shared', 8, members)], 2, 'map "m": value')
  }
  const where = 'Cannot share map "m": value\\.field with user space: '
  assert.throws(refused({ kind: 'pointer', name: '', type: 0 }), new RegExp(`${where}it is a pointer`))
  assert.throws(refused({ kind: 'union', name: 'u', size: 4, members: [] }), new RegExp(`${where}it is a union`))
  assert.throws(refused(u32, { bitSize: 3 }), new RegExp(`${where}it is a bitfield`))
  assert.throws(refused({ ...u32, size: 16 } as BtfType), new RegExp(`${where}it has 128 bits`))
})

test('refusePadding() finds holes between fields, at the end and inside', () => {
  const word: Layout = { kind: 'int', size: 4, signed: false, bigEndian: false }
  const inner = (offset: number, size: number): Layout => ({
    kind: 'struct',
    name: 's',
    size,
    fields: [{ name: 'a', offset, layout: word }],
  })
  const outer = (layout: Layout): Layout => ({
    kind: 'struct',
    name: 'o',
    size: layout.size,
    fields: [{ name: 'in', offset: 0, layout }],
  })
  refusePadding(outer(inner(0, 4)), 'key')
  assert.throws(() => refusePadding(inner(4, 8), 'key'), /key\.a .* 4 bytes of padding before it/)
  assert.throws(() => refusePadding(inner(0, 8), 'key'), /key .* 4 bytes of padding at its end/)
  assert.throws(() => refusePadding(outer(inner(0, 8)), 'key'), LayoutError)
  assert.throws(() => refusePadding({ kind: 'list', element: inner(0, 8), length: 2, size: 16 }, 'key'), /key\[\]/)
})
