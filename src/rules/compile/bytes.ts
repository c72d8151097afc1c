import { type Assembler, type Label, type Register, r0, r5, type SizeName } from '../asm/index.ts'

const CHUNKS: readonly (readonly [SizeName, number])[] = [
  ['u64', 8],
  ['u32', 4],
  ['u16', 2],
  ['u8', 1],
]

const isLetter = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

/**
 * Compare `bytes` with memory at `base + offset`, which the verifier knows to be readable; falls through when equal. With
 * `foldCase`, `bytes` are in lower case and letters compare without case. Uses r0 and r5.
 */
export function emitBytesAt(
  asm: Assembler,
  base: Register,
  offset: number,
  bytes: Uint8Array,
  different: Label,
  foldCase = false,
): void {
  let at = 0
  for (const [size, width] of CHUNKS)
    for (; bytes.length - at >= width; at += width) {
      const chunk = bytes.subarray(at, at + width)
      asm.load(size, r0, base, offset + at)
      const fold = foldCase ? littleEndian(chunk.map((byte) => (isLetter(byte) ? 0x20 : 0))) : 0n
      if (fold !== 0n) {
        asm.constant(r5, fold)
        asm.alu('or', r0, r5)
      }
      asm.constant(r5, littleEndian(chunk))
      asm.jumpIf(r0, '!=', r5, different)
    }
}
