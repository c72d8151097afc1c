import { concat } from '../../src/net/bytes.ts'

/** A SYN as far as a listener looks at it. */
export interface SynCase {
  readonly name: string
  /** A multiple of 4 bytes, 40 at most. */
  readonly options: Uint8Array
  readonly flags: number
  /** The ECN bits of the IP header, with DSCP above. */
  readonly tos?: number
  /** Bits between header length and flags, of which AccECN uses one. */
  readonly reserved?: number
  readonly payload?: string
}

/** What clients put into the timestamp of the SYNs here. */
export const TSVAL = 0x01020304

const [SYN, ECN] = [0x02, 0xc2]
const word = (value: number): readonly number[] => [(value >>> 8) & 255, value & 255]

const nop: readonly number[] = [1]
const end: readonly number[] = [0]
const sack: readonly number[] = [4, 2]
const timestamp: readonly number[] = [8, 10, 1, 2, 3, 4, 0, 0, 0, 0]
const mss = (value: number): readonly number[] => [2, 4, ...word(value)]
const scale = (value: number): readonly number[] => [3, 3, value]

/** Padded with NOPs, in front or behind. */
function padded(options: readonly (readonly number[])[], front: boolean): Uint8Array {
  const bytes = Uint8Array.from(options.flat())
  const padding = new Uint8Array(-bytes.length & 3).fill(1)
  return front ? concat(padding, bytes) : concat(bytes, padding)
}

/** Each way to choose: in an order and with a padding that go on from case to case. */
export function commonCases(): SynCase[] {
  const cases: SynCase[] = []
  for (const size of [undefined, 0, 536, 1460, 9000])
    for (const shift of [undefined, 0, 7, 14, 15])
      for (const hasSack of [false, true])
        for (const hasTimestamp of [false, true])
          for (const ecn of [false, true]) {
            const options = [
              ...(size === undefined ? [] : [mss(size)]),
              ...(hasSack ? [sack] : []),
              ...(hasTimestamp ? [timestamp] : []),
              ...(shift === undefined ? [] : [scale(shift)]),
            ]
            const turn = cases.length % Math.max(options.length, 1)
            const ordered = [...options.slice(turn), ...options.slice(0, turn)]
            const name = `mss ${size}, scale ${shift}, sack ${hasSack}, timestamp ${hasTimestamp}, ecn ${ecn}, from ${turn}`
            cases.push({ name, options: padded(ordered, cases.length % 3 === 0), flags: ecn ? ECN : SYN })
          }
  return cases
}

const usual = [mss(1460), sack, timestamp, nop, scale(7)]

const oddOptions: Readonly<Record<string, readonly (readonly number[])[]>> = {
  'as Linux sends it': usual,
  'as Windows sends it': [mss(1460), nop, scale(8), nop, nop, sack],
  'as macOS sends it': [mss(1460), nop, scale(6), nop, nop, timestamp, sack, end, end],
  'nothing but NOPs': [nop, nop, nop, nop],
  '40 NOPs': Array.from({ length: 40 }, () => nop),
  'an end at once': [end, end, end, end],
  'an end before the timestamp': [mss(1460), sack, end, end, timestamp, nop, nop],
  'an end in the middle of the usual layout': [mss(1460), sack, timestamp, end, scale(7)],
  'NOPs between all': [nop, mss(1460), nop, sack, nop, timestamp, nop, scale(7), nop],
  'two scales, the last counts': [scale(3), scale(9), nop, timestamp, nop],
  'a scale, then one that is too long': [scale(7), [3, 4, 9, 9], timestamp, nop, nop, nop],
  'a scale, then one that is too short': [scale(7), [3, 2], timestamp, nop],
  'a scale that is too long': [[3, 4, 9, 9], timestamp, nop, nop],
  'two timestamps, the last counts': [[8, 10, 9, 9, 9, 9, 0, 0, 0, 0], timestamp],
  'a timestamp, then one that is too short': [timestamp, [8, 6, 9, 9, 9, 9]],
  'a timestamp that is too long': [[8, 12, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0], scale(7), nop],
  'sack twice': [sack, sack, timestamp, nop, nop],
  'sack, then one that is too long': [sack, [4, 4, 0, 0], timestamp],
  'sack that is too long': [[4, 4, 0, 0], timestamp, nop, nop],
  'two sizes, the last counts': [mss(536), mss(1460), timestamp, nop, nop],
  'two sizes, the last of them 0': [mss(1460), mss(0), timestamp, nop, nop],
  'a size, then one that is too long': [mss(1460), [2, 6, 1, 1, 1, 1], timestamp],
  'a size that is too short': [[2, 3, 5], nop, timestamp, nop, nop],
  'an unknown kind': [[253, 4, 0xf9, 0x89], mss(1460), timestamp, nop, nop],
  'kinds that are 2, 3, 4 and 8 modulo 32': [[34, 4, 1, 1], [35, 3, 9], [36, 2], [40, 10, 9, 9, 9, 9, 0, 0, 0, 0], nop],
  'the same behind those that count': [
    mss(1460),
    scale(7),
    timestamp,
    sack,
    [34, 4, 1, 1],
    [35, 3, 9],
    [36, 2],
    [40, 4, 9, 9],
    nop,
    nop,
  ],
  'Fast Open without a cookie': [mss(1460), sack, timestamp, nop, scale(7), [34, 2], nop, nop],
  'Fast Open with a cookie': [mss(1460), sack, timestamp, nop, scale(7), [34, 10, 1, 2, 3, 4, 5, 6, 7, 8], nop, nop],
  MPTCP: [mss(1460), sack, timestamp, nop, scale(7), [30, 4, 1, 0]],
  'SACK blocks': [[5, 10, 0, 0, 0, 1, 0, 0, 0, 2], timestamp],
  AccECN: [mss(1460), sack, timestamp, nop, scale(7), [174, 2], nop, nop],
  'an unknown kind over the end': [mss(1460), timestamp, [253, 3]],
  'a timestamp over the end': [mss(1460), sack, nop, nop, [8, 10, 1, 2]],
  'a scale over the end': [timestamp, nop, nop, sack, [3, 3]],
  'a scale up to the end': [timestamp, nop, nop, nop, scale(7)],
  'a kind at the end, without its length': [timestamp, nop, [3]],
  'a length of 0': [mss(1460), [253, 0], timestamp],
  'a length of 1': [mss(1460), [253, 1], timestamp],
  'a scale with the length 0': [timestamp, [3, 0]],
  '40 bytes, the scale last': [mss(1460), sack, timestamp, [253, 21, ...new Array<number>(19).fill(8)], scale(7)],
  '40 bytes, over the end by one': [mss(1460), sack, timestamp, [253, 21, ...new Array<number>(19).fill(8)], [3, 4, 7]],
  '40 bytes, a kind last': [timestamp, [253, 29, ...new Array<number>(27).fill(8)], [8]],
  'sizes between those that a cookie knows': [mss(1300), timestamp, nop, nop],
  'a size of 1': [mss(1), timestamp, nop, nop],
  'a size of 65,535': [mss(65_535), timestamp, nop, nop],
  'a scale of 255': [scale(255), timestamp, nop, nop, nop],
}

/** SYNs as nobody sends them, or few. */
export function oddCases(): SynCase[] {
  const options = padded(usual, false)
  return [
    ...Object.entries(oddOptions).map(([name, each]) => ({ name, options: padded(each, false), flags: SYN })),
    ...[1, 2, 3].map((tos) => ({ name: `ECN asked for by a packet that is marked ${tos}`, options, flags: ECN, tos })),
    ...[1, 2, 3].map((tos) => ({ name: `marked ${tos}`, options, flags: SYN, tos })),
    ...[1, 2, 4, 8, 9].flatMap((reserved) => [
      { name: `reserved bits ${reserved}`, options, flags: SYN, reserved },
      { name: `reserved bits ${reserved}, ECN`, options, flags: ECN, reserved },
      { name: `reserved bits ${reserved}, ECN, marked 2`, options, flags: ECN, reserved, tos: 2 },
    ]),
    { name: 'ECE alone', options, flags: 0x42 },
    { name: 'CWR alone', options, flags: 0x82 },
    { name: 'DSCP 46, ECN', options, flags: ECN, tos: 46 << 2 },
    { name: 'PSH and URG', options, flags: 0x2a },
    { name: 'data', options, flags: SYN, payload: 'GET / HTTP/1.1\r\n\r\n' },
    { name: 'data, no options', options: new Uint8Array(0), flags: SYN, payload: 'x' },
    { name: 'data that fills the frame', options, flags: SYN, payload: 'x'.repeat(1400) },
  ]
}
