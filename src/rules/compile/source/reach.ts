import type { Dimension } from '../constraint.ts'
import type { Predicate } from '../predicate.ts'
import { SAMPLE_BYTES } from '../sample.ts'
import { FRAME_LIMIT } from './scratch.ts'

/** A DNS header, the longest name (RFC 1035), and type and class. */
const DNS = 12 + 255 + 4

const SLICE = /\.payload\[(\d+):(\d+)\]$/

function predicateReach(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'set':
    case 'before':
    case 'signature':
    case 'connections':
      return 0
    case 'bytes':
      return predicate.offset + predicate.bytes.length
    case 'contains':
      return predicate.offset + predicate.length
    case 'name':
    case 'question':
    case 'pattern':
      return DNS
    case 'pcap':
      return FRAME_LIMIT
  }
}

function reachOf(dimension: Dimension): number {
  if (dimension.kind === 'predicate') return predicateReach(dimension.predicate)
  if (dimension.key.startsWith('dns')) return DNS
  if (dimension.kind !== 'number') return 0
  const [, offset, length] = SLICE.exec(dimension.slot) ?? []
  return offset === undefined ? 0 : Number(offset) + Number(length)
}

/** How far into the payload rules, and samples, may look; bytes. */
export const payloadReach = (dimensions: readonly Dimension[], samples: boolean): number =>
  Math.max(samples ? SAMPLE_BYTES : 0, ...dimensions.map(reachOf))
