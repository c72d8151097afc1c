import { type Assembler, type Label, r0, r1, r2, r3, r4, r5 } from '../asm/index.ts'
import { Header, type SetGeometry, Slot } from './geometry.ts'
import { emitAddress, emitGuide, emitProbe } from './probe.ts'

/**
 * Emits `hit` or `miss` for the IPv4 address in r1: host byte order, upper 32 bits zero. Clobbers r0 to r5.
 * @param symbol the set's map, as {@link Assembler.loadMapValue} takes it
 */
export function emitLookup4(asm: Assembler, symbol: string, geometry: SetGeometry, hit: Label, miss: Label): void {
  const { bits, offset } = geometry.guide4
  asm.mov(r3, r1)
  asm.alu32('rsh', r3, 32 - bits + 2)
  emitAddress(asm, r2, symbol, offset, r3)
  asm.mov(r3, r1)
  asm.alu32('rsh', r3, 32 - bits)
  emitGuide(asm, r2, r3, hit, miss)
  emitLengths(asm, symbol, geometry, hit, miss)
}

/** Tries each length that the table holds, /32 first: r1 = a one and then the address's first bits, r5 = lengths left. */
function emitLengths(asm: Assembler, symbol: string, geometry: SetGeometry, hit: Label, miss: Label): void {
  const [loop, probe, next] = [asm.label('length'), asm.label('probe'), asm.label('next')]
  asm.loadMapValue(r0, symbol, Header.lengths4)
  asm.load('u32', r5, r0, 0)
  asm.alu('and', r5, 2 ** (32 - geometry.guide4.bits) - 1)
  asm.mov(r0, 1)
  asm.alu('lsh', r0, 32)
  asm.alu('or', r1, r0)
  asm.bind(loop)
  asm.jumpIf(r5, '&', 1, probe)
  asm.jump(next)
  asm.bind(probe)
  emitPlace(asm, geometry)
  emitProbe(asm, { symbol, geometry, table: 'table4', hit, miss: next })
  asm.bind(next)
  asm.alu('rsh', r1, 1)
  asm.alu('rsh', r5, 1)
  asm.jumpIf(r5, '!=', 0, loop)
  asm.jump(miss)
}

/** r3 = bucket, r4 = slot word of the key in r1; see `place4` in hash.ts. */
function emitPlace(asm: Assembler, geometry: SetGeometry): void {
  const { logBuckets } = geometry.table4
  const [first, second] = geometry.secret.short
  asm.alu32('mov', r4, r1)
  asm.alu32('mul', r4, first | 0)
  asm.alu32('mov', r0, r4)
  asm.alu32('rsh', r0, 15)
  asm.alu32('xor', r4, r0)
  asm.alu32('mul', r4, second | 0)
  asm.alu32('mov', r3, r4)
  asm.alu32('rsh', r3, 32 - logBuckets)
  asm.alu32('lsh', r4, logBuckets)
  asm.mov(r0, r1)
  asm.alu('rsh', r0, 32)
  asm.alu('lsh', r0, Math.log2(Slot.full))
  asm.alu('or', r0, Slot.taken)
  asm.alu('or', r4, r0)
}
