import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Assembler, disassemble, r0, r1, r2, r6 } from './index.ts'

const hex = (asm: Assembler): string => Buffer.from(asm.assemble(() => 7)).toString('hex')

test('Assembler encodes a move and an exit as RFC 9669 says', () => {
  const asm = new Assembler()
  asm.mov(r0, 2)
  asm.exit()
  assert.equal(hex(asm), 'b7000000020000009500000000000000')
})

test('Assembler resolves labels forwards and backwards', () => {
  const asm = new Assembler()
  const [top, end] = [asm.label('top'), asm.label('end')]
  asm.bind(top)
  asm.jumpIf(r1, '==', 5, end)
  asm.jump(top)
  asm.bind(end)
  asm.exit()
  assert.deepEqual(disassemble(asm.slots()), ['   0: if r1 == 5 goto 2', '   1: goto 0', '   2: exit'])
})

test('Assembler refuses labels placed twice or never, and jumps that do not fit', () => {
  const twice = new Assembler()
  const label = twice.label('here')
  twice.bind(label)
  assert.throws(() => twice.bind(label), /Cannot place label "here" twice/)
  const never = new Assembler()
  never.jump(never.label('nowhere'))
  assert.throws(() => never.slots(), /label "nowhere" was never placed/)
  const far = new Assembler()
  const end = far.label('far')
  far.jump(end)
  for (let i = 0; i < 32_768; i++) far.mov(r0, i)
  far.bind(end)
  assert.throws(() => far.slots(), RangeError)
})

test('Assembler takes constants in the shortest form', () => {
  const asm = new Assembler()
  asm.constant(r1, 0x7fff_ffffn)
  asm.constant(r1, 0xffff_ffff_ffff_ffffn)
  asm.constant(r1, 0x8000_0000n)
  assert.deepEqual(disassemble(asm.slots()), ['   0: r1 = 2147483647', '   1: r1 = -1', '   2: r1 = 0x80000000 ll'])
})

test('Assembler names maps once and fills in their descriptors', () => {
  const asm = new Assembler()
  asm.loadMap(r1, 'counters')
  asm.loadMapValue(r2, 'tables', 64)
  asm.loadMap(r1, 'counters')
  assert.deepEqual(asm.maps, ['counters', 'tables'])
  const bytes = asm.assemble((name) => (name === 'tables' ? 9 : 4))
  const view = new DataView(bytes.buffer)
  assert.deepEqual([view.getInt32(4, true), view.getInt32(20, true), view.getInt32(28, true)], [4, 9, 64])
})

test('disassemble writes every kind of instruction', () => {
  const asm = new Assembler()
  asm.load('u16', r2, r6, 12)
  asm.swap(r2, 16)
  asm.store('u64', r6, -8, r2)
  asm.store('u32', r6, 4, 3)
  asm.atomic('compareExchange', 'u64', r6, 0, r2)
  asm.alu32('rsh', r2, 16)
  asm.call(1)
  assert.deepEqual(disassemble(asm.slots()), [
    '   0: r2 = *(u16 *)(r6 + 12)',
    '   1: w2 = be16(w2)',
    '   2: *(u64 *)(r6 - 8) = r2',
    '   3: *(u32 *)(r6 + 4) = 3',
    '   4: compareExchange *(u64 *)(r6 + 0), r2',
    '   5: w2 >>= 16',
    '   6: call mapLookup',
  ])
})
