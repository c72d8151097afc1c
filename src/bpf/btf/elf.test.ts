import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BpfError } from '../errors.ts'
import { readElf } from './elf.ts'

/** An object file with the sections `.names` (of sections) and `xdp` of eight bytes, which has function `entry`. */
function object(): Uint8Array {
  const names = Buffer.from('\0.names\0xdp\0.symtab\0entry\0')
  const bytes = new Uint8Array(64 + 4 * 64 + names.length + 8 + 24)
  const view = new DataView(bytes.buffer)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(18, 247, true)
  view.setBigUint64(40, 64n, true)
  view.setUint16(60, 4, true)
  view.setUint16(62, 1, true)
  const contents = 64 + 4 * 64
  const section = (index: number, [name, type, offset, size, link]: readonly number[]): void => {
    const at = 64 + index * 64
    view.setUint32(at, name!, true)
    view.setUint32(at + 4, type!, true)
    view.setBigUint64(at + 24, BigInt(offset!), true)
    view.setBigUint64(at + 32, BigInt(size!), true)
    view.setUint32(at + 40, link!, true)
  }
  section(1, [1, 3, contents, names.length, 0])
  section(2, [8, 1, contents + names.length, 8, 0])
  section(3, [12, 2, contents + names.length + 8, 24, 1])
  bytes.set(names, contents)
  bytes.fill(9, contents + names.length, contents + names.length + 8)
  const symbol = contents + names.length + 8
  view.setUint32(symbol, 20, true)
  view.setUint8(symbol + 4, 0x12)
  view.setUint16(symbol + 6, 2, true)
  view.setBigUint64(symbol + 16, 8n, true)
  return bytes
}

test('readElf() gives sections and symbols', () => {
  const { sections, symbols } = readElf(object())
  assert.deepEqual(
    sections.map(({ name }) => name),
    ['', '.names', 'xdp', '.symtab'],
  )
  assert.deepEqual([...sections[2]!.bytes], Array(8).fill(9))
  assert.deepEqual(symbols, [{ name: 'entry', kind: 'function', section: 2, value: 0, size: 8 }])
})

test('readElf() reads a file that lies somewhere in a larger buffer', () => {
  const large = new Uint8Array(2000)
  large.set(object(), 123)
  assert.deepEqual(readElf(large.subarray(123)).symbols, readElf(object()).symbols)
})

test('readElf() refuses other files, other machines and other byte orders', () => {
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = object()
    bytes[at] = value
    return bytes
  }
  assert.throws(() => readElf(changed(0, 0)), /it is no ELF file/)
  assert.throws(() => readElf(changed(4, 1)), /not 64-bit little-endian/)
  assert.throws(() => readElf(changed(5, 2)), /not 64-bit little-endian/)
  assert.throws(() => readElf(changed(18, 62)), /for machine 62, wanted 247/)
})

test('readElf() refuses a file that is cut off anywhere', () => {
  const whole = object()
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readElf(whole.subarray(0, length)), BpfError, `${length} bytes`)
  }
})
