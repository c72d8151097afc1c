/** Random prefixes for tests. */
import fc from 'fast-check'
import { type Address, addressBits } from '../../src/net/address.ts'
import { type Prefix, prefixOf } from '../../src/net/prefix.ts'

const lengths = { 4: fc.integer({ min: 0, max: 32 }), 6: fc.integer({ min: 0, max: 128 }) }

function prefixIn(family: 4 | 6, address: fc.Arbitrary<bigint>): fc.Arbitrary<Prefix> {
  return fc.tuple(address, lengths[family]).map(([value, length]) => prefixOf({ family, value }, length))
}

const bits = (count: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(count)) - 1n })

export const anyPrefix: fc.Arbitrary<Prefix> = fc.oneof(prefixIn(4, bits(32)), prefixIn(6, bits(128)))

/** Prefixes that meet often: of a few networks, with a few different host bits. */
export const nearbyPrefixes: fc.Arbitrary<Prefix> = fc.oneof(
  prefixIn(
    4,
    fc.tuple(bits(2), bits(3)).map(([network, host]) => (0x0a00_0000n + (network << 9n)) | (host << 6n) | host),
  ),
  prefixIn(
    6,
    fc
      .tuple(bits(2), bits(3))
      .map(([network, host]) => (0x2001_0db8n << 96n) + (network << 79n) + (host << 62n) + host),
  ),
)

/** The first and last address of each prefix, and their neighbours outside. */
export function edges(prefixes: readonly Prefix[]): Address[] {
  return prefixes.flatMap(({ family, value, length }) => {
    const last = value + (1n << BigInt(addressBits[family] - length)) - 1n
    return [value, last, value - 1n, last + 1n].map((edge) => ({
      family,
      value: BigInt.asUintN(addressBits[family], edge),
    }))
  })
}
