import { concat } from '../../src/net/build.ts'
import { randomPacket } from './packet.ts'
import type { Random } from './random.ts'

/** Longest garbage made. */
export const MAX_GARBAGE = 2000

/** A frame of exactly this length that nobody meant: noise, noise behind plausible headers, or a good packet ruined. */
export function garbage(random: Random, length: number): Uint8Array {
  const bytes = random.weighted<() => Uint8Array>(
    [20, () => random.bytes(length)],
    [35, () => plausible(random, length)],
    [40, () => ruined(random, length)],
    [5, () => new Uint8Array(length).fill(random.pick([0, 0xff, 0x81, 0x2c]))],
  )()
  return bytes
}

/** Noise that begins as IPv4, IPv6 or VLAN does. */
function plausible(random: Random, length: number): Uint8Array {
  const bytes = random.bytes(length)
  const [type, first] = random.pick([
    [0x0800, 0x45],
    [0x0800, 0x4f],
    [0x86dd, 0x60],
    [0x8100, 0x00],
    [0x88a8, 0x00],
  ] as const)
  const header = [type >> 8, type & 255, first, 0, (length - 14) >> 8, (length - 14) & 255]
  if (type === 0x86dd)
    header.splice(4, 2, 0, 0, (length - 54) >> 8, length - 54, random.pick([0, 6, 17, 43, 44, 51, 58, 60]))
  for (const [index, byte] of header.entries()) if (12 + index < length) bytes[12 + index] = byte
  if (type === 0x0800 && length > 23) bytes[23] = random.pick([1, 6, 17])
  return bytes
}

/** A good packet with a few bytes changed, cut or filled up with itself. */
function ruined(random: Random, length: number): Uint8Array {
  const packet = randomPacket(random)
  const filler = random.chance(0.5) ? random.bytes(length) : packet
  let bytes = packet
  while (bytes.length < length && filler.length > 0) bytes = concat(bytes, filler)
  bytes = bytes.length < length ? random.bytes(length) : bytes.slice(0, length)
  const changes = length > 0 ? random.int(0, 4) : 0
  for (let count = 0; count < changes; count++) bytes[random.int(0, Math.min(length, 120) - 1)] = random.next()
  return bytes
}
