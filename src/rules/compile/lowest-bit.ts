import { type Assembler, type Register, r2, r3 } from '../asm/index.ts'

/** A de Bruijn sequence of 2^order bits, for each order up to 6, at the top of a 64-bit word: any `order` bits in a row of it differ. */
const SEQUENCES = [
  0n,
  0x4000_0000_0000_0000n,
  0x3000_0000_0000_0000n,
  0x1700_0000_0000_0000n,
  0x09af_0000_0000_0000n,
  0x077c_b531_0000_0000n,
  0x03f7_9d71_b4cb_0a89n,
] as const

/** log2 of the places that `bits` bits take. */
export const orderOf = (bits: number): number => Math.ceil(Math.log2(bits))

/**
 * Where what belongs to bit `bit` of up to 2^order bits has to be in a table, so that {@link emitLowestBit} finds it without
 * another table (Leiserson, Prokop, Randall 1998).
 */
export function placeOfBit(bit: number, order: number): number {
  return order === 0 ? 0 : Number(BigInt.asUintN(64, SEQUENCES[order]! << BigInt(bit)) >> BigInt(64 - order))
}

/** r2 = place of the lowest set bit of `word`, none of whose bits from 2^order up is set. Uses r3. */
export function emitLowestBit(asm: Assembler, word: Register, order: number): void {
  if (order === 0) return asm.mov(r2, 0)
  asm.mov(r2, 0)
  asm.alu('sub', r2, word)
  asm.alu('and', r2, word)
  asm.constant(r3, SEQUENCES[order]!)
  asm.alu('mul', r2, r3)
  asm.alu('rsh', r2, 64 - order)
}
