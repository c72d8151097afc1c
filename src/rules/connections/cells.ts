/** The cells in which bpf/connections.bpf.c counts, as user space sees them. */
import { type Address, addressBits } from '../../net/address.ts'
import type { PrefixLengths } from '../ast.ts'

/** Cells of a row, and bytes of a row of 32-bit cells. There are two rows. */
export const CONNECTION_ROW = 524_288
export const CONNECTION_ROW_BYTES = CONNECTION_ROW * 4
export const CONNECTIONS_BYTES = 2 * CONNECTION_ROW_BYTES

const U64 = (1n << 64n) - 1n

/** Multipliers of splitmix64 (Steele et al. 2014). */
export const MIX = [0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn] as const

function mix(hash: bigint, value: bigint): bigint {
  let mixed = (hash + value) & U64
  mixed = ((mixed ^ (mixed >> 30n)) * MIX[0]) & U64
  mixed = ((mixed ^ (mixed >> 27n)) * MIX[1]) & U64
  return mixed ^ (mixed >> 31n)
}

/** Masks of the key: of the address of IPv4, and of the two halves of that of IPv6. */
export function keyMasks({ bits4, bits6 }: PrefixLengths): { mask4: bigint; mask6High: bigint; mask6Low: bigint } {
  const ones = (bits: number, of: number): bigint => ((1n << BigInt(bits)) - 1n) << BigInt(of - bits)
  const mask6 = ones(bits6, 128)
  return { mask4: ones(bits4, 32), mask6High: mask6 >> 64n, mask6Low: mask6 & U64 }
}

/** Indexes of the two cells of the prefix around an address. */
export function cellsOf(address: Address, lengths: PrefixLengths, secret: bigint): readonly [number, number] {
  const { family, value } = address
  const { mask4, mask6High, mask6Low } = keyMasks(lengths)
  const [high, low] =
    addressBits[family] === 32 ? [value & mask4, 0n] : [(value >> 64n) & mask6High, value & U64 & mask6Low]
  const hash = mix(mix(mix(BigInt.asUintN(64, secret), high), low), BigInt(family))
  const row = BigInt(CONNECTION_ROW - 1)
  return [Number(hash & row), Number((hash >> 32n) & row)]
}

/** How many connections are counted for the prefix around an address. */
export function countOf(cells: Uint8Array, address: Address, lengths: PrefixLengths, secret: bigint): number {
  const view = new DataView(cells.buffer, cells.byteOffset, cells.byteLength)
  const [first, second] = cellsOf(address, lengths, secret)
  return Math.min(view.getUint32(first * 4, true), view.getUint32(CONNECTION_ROW_BYTES + second * 4, true))
}
