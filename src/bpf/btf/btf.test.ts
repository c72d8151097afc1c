import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BpfError } from '../errors.ts'
import { readBtf } from './btf.ts'

/** A `.BTF` section: types as words, names by their place in `strings`. */
function btf(words: readonly number[], strings: string): Uint8Array {
  const text = Buffer.from(strings)
  const types = new Uint8Array(Uint32Array.from(words, (word) => word >>> 0).buffer)
  const bytes = new Uint8Array(24 + types.length + text.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 0xeb9f, true)
  view.setUint8(2, 1)
  view.setUint32(4, 24, true)
  view.setUint32(12, types.length, true)
  view.setUint32(16, types.length, true)
  view.setUint32(20, text.length, true)
  bytes.set(types, 24)
  bytes.set(text, 24 + types.length)
  return bytes
}

const kind = (number: number, count = 0, flag = 0): number => (flag << 31) | (number << 24) | count

test('readBtf() reads integers with their signs, and booleans', () => {
  const types = btf(
    [...[1, kind(1), 4, 32], ...[3, kind(1), 4, (1 << 24) | 32], ...[5, kind(1), 1, (4 << 24) | 8]],
    '\0u\0i\0b\0',
  )
  assert.deepEqual(readBtf(types), [
    { kind: 'void', name: 'void' },
    { kind: 'int', name: 'u', size: 4, encoding: 'unsigned' },
    { kind: 'int', name: 'i', size: 4, encoding: 'signed' },
    { kind: 'int', name: 'b', size: 1, encoding: 'bool' },
  ])
})

test('readBtf() tells bitfields from other members', () => {
  const [plain, packed] = [
    [1, kind(4, 1), 4, ...[3, 9, 32]],
    [1, kind(4, 1, 1), 4, ...[3, 9, (5 << 24) | 32]],
  ].map((words) => readBtf(btf(words, '\0s\0m\0'))[1])
  assert.ok(plain?.kind === 'struct' && packed?.kind === 'struct')
  assert.deepEqual(plain.members, [{ name: 'm', type: 9, bitOffset: 32, bitSize: 0 }])
  assert.deepEqual(packed.members, [{ name: 'm', type: 9, bitOffset: 32, bitSize: 5 }])
})

test('readBtf() reads enumerators as signed, whether the compiler says so or not', () => {
  for (const flag of [0, 1]) {
    const type = readBtf(btf([1, kind(6, 1, flag), 4, ...[3, 0xffff_ffff]], '\0e\0v\0'))[1]
    assert.ok(type?.kind === 'enum')
    assert.deepEqual(type.values, [{ name: 'v', value: -1n }])
  }
  const wide = readBtf(btf([1, kind(19, 1), 8, ...[3, 5, 1]], '\0e\0v\0'))[1]
  assert.ok(wide?.kind === 'enum')
  assert.deepEqual(wide.values, [{ name: 'v', value: (1n << 32n) | 5n }])
})

test('readBtf() steps over what it does not use, to the type behind it', () => {
  const skipped = [
    ...[1, kind(13, 2), 0, ...[0, 0, 0, 0]],
    ...[1, kind(17), 1, 0],
    ...[1, kind(16), 4],
    ...[1, kind(7), 0],
  ]
  const types = readBtf(btf([...skipped, ...[1, kind(3), 0, ...[7, 8, 9]], ...[1, kind(14), 5, 1]], '\0n\0'))
  assert.deepEqual(types.at(-2), { kind: 'array', name: 'n', type: 7, length: 9 })
  assert.deepEqual(types.at(-1), { kind: 'variable', name: 'n', type: 5 })
})

test('readBtf() refuses what is no BTF, or is cut off anywhere', () => {
  const whole = btf([1, kind(4, 1), 4, ...[3, 9, 32]], '\0s\0m\0')
  assert.throws(() => readBtf(new Uint8Array(40)), /there is no BTF/)
  for (let length = 0; length < whole.length - 5; length++) {
    assert.throws(() => readBtf(whole.subarray(0, length)), BpfError, `${length} bytes`)
  }
})
