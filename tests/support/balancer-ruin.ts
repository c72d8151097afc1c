/** What makes bad frames of good ones: lengths, offsets, types and counts that lie, cuts, nesting. */
import { buildPacket, concat, ethernet } from '../../src/net/build.ts'
import type { Random } from '../arbitraries/random.ts'
import { tunnelled } from './balancer-corpus.ts'

type Ruin = (frame: Uint8Array, random: Random) => Uint8Array

const INTERESTING = [0, 1, 2, 4, 5, 7, 8, 19, 20, 21, 28, 39, 40, 41, 60, 127, 128, 255] as const
const EXTREME = [0, 1, 7, 8, 19, 20, 27, 28, 39, 40, 1500, 0x7fff, 0x8000, 0xfff7, 0xffff] as const
const PROTOCOLS = [0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 135, 255] as const

/** Bytes that headers may be in. */
const HEADERS = 140

const place = (frame: Uint8Array, random: Random): number => random.int(0, Math.min(frame.length, HEADERS) - 1)

const changedAt = (frame: Uint8Array, at: number, ...bytes: readonly number[]): Uint8Array => {
  const changed = Uint8Array.from(frame)
  for (const [i, byte] of bytes.entries()) if (at + i < changed.length) changed[at + i] = byte
  return changed
}

/** Where IP headers begin, as far as that can be guessed from their first byte. */
function ipHeaders(frame: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 14; at < Math.min(frame.length, HEADERS); at += 2)
    if (frame[at] === 0x45 || (frame[at]! & 0xf0) === 0x60) found.push(at)
  return found.length > 0 ? found : [14]
}

const lengthOfIp: Ruin = (frame, random) => {
  const at = random.pick(ipHeaders(frame))
  const field = (frame[at]! >> 4 === 4 ? 2 : 4) + at
  const is = ((frame[field] ?? 0) << 8) | (frame[field + 1] ?? 0)
  const value = random.chance(0.5) ? random.pick(EXTREME) : (is + random.int(-24, 24)) & 0xffff
  return changedAt(frame, field, value >> 8, value & 255)
}

const protocolOfIp: Ruin = (frame, random) => {
  const at = random.pick(ipHeaders(frame))
  return changedAt(frame, at + (frame[at]! >> 4 === 4 ? 9 : 6), random.pick(PROTOCOLS))
}

const firstOfIp: Ruin = (frame, random) => {
  const at = random.pick(ipHeaders(frame))
  return changedAt(frame, at, (random.pick([4, 6, 0, 15]) << 4) | random.int(0, 15))
}

const fragmentOfIp: Ruin = (frame, random) =>
  changedAt(frame, random.pick(ipHeaders(frame)) + 6, random.pick([0x20, 0x1f, 0x3f, 0x40, 0x80]), random.next() & 255)

const byte: Ruin = (frame, random) =>
  changedAt(frame, place(frame, random), random.chance(0.5) ? random.pick(INTERESTING) : random.next() & 255)

const word: Ruin = (frame, random) => {
  const value = random.pick(EXTREME)
  return changedAt(frame, place(frame, random), value >> 8, value & 255)
}

const type: Ruin = (frame, random) => {
  const value = random.pick([0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x0000])
  return changedAt(frame, random.pick([12, 16, 20]), value >> 8, value & 255)
}

/** BPF_PROG_TEST_RUN takes frames of 14 bytes and more. */
const cut: Ruin = (frame, random) => frame.slice(0, random.int(14, frame.length))

const grown: Ruin = (frame, random) => concat(frame, random.bytes(random.int(1, 80)))

/** In another tunnel to this machine, headers and all or without the link header. */
const nested: Ruin = (frame, random) => {
  const family = random.pick([4, 6] as const)
  const inside = frame.subarray(random.pick([0, 14, 14, 14]))
  if (inside.length > 1700) return frame
  const link = ethernet({ src: '02:00:00:00:00:11', dst: '02:00:00:00:00:bb', type: family === 4 ? 0x0800 : 0x86dd })
  return buildPacket(link, ...tunnelled(inside.length === 0 ? Uint8Array.of(0x45) : inside, family, random))
}

const RUINS: readonly Ruin[] = [
  lengthOfIp,
  lengthOfIp,
  protocolOfIp,
  firstOfIp,
  fragmentOfIp,
  byte,
  byte,
  word,
  type,
  cut,
  grown,
  nested,
]

/** One thing wrong, or several. */
export function ruined(frame: Uint8Array, random: Random): Uint8Array {
  let bad = frame
  for (let count = random.weighted([60, 1], [25, 2], [15, 4]); count > 0; count--) bad = random.pick(RUINS)(bad, random)
  return bad.length < 14 ? concat(bad, new Uint8Array(14)) : bad.slice(0, 3000)
}
