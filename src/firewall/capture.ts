import { SeawallError } from '../entry/errors.ts'
import type { Capture, Rule } from '../rules/ast.ts'
import { MAX_SNAPLEN } from '../rules/compile/index.ts'
import { readExpr } from './dynamic.ts'
import type { Manifest } from './manifest.ts'

export interface CaptureRequest {
  /** What to capture; every packet, malformed ones too, if absent. */
  readonly expr?: string
  /** Only packets that this became of. */
  readonly verdict?: 'drop' | 'pass' | 'tx'
  /** One packet of so many; each by default. */
  readonly every?: number
  /** Bytes of a packet that are kept at most; all by default. */
  readonly snaplen?: number
  /** Room for packets that were not read yet, bytes: a power of two; 4 MiB by default. */
  readonly ringBytes?: number
}

/** Bytes of a capture's ring. */
const RING = { least: 1 << 16, usual: 1 << 22, most: 1 << 28 }

/**
 * Makes the rule of a capture: it decides nothing, stands before all others, and has an id that no other rule can have.
 *
 * @throws SeawallError SEAWALL_INPUT
 */
export function captureRule(request: CaptureRequest, live: Manifest): Rule {
  const { expr = 'true', every = 1 } = request
  return {
    id: `capture:${live.generation + 1}`,
    action: { kind: 'sample', every: wholeNumber('one packet of', every, 1, 0x7fff_ffff) },
    when: readExpr(expr),
    capture: captureOf(request),
  }
}

function captureOf({ snaplen = MAX_SNAPLEN, ringBytes = RING.usual, verdict }: CaptureRequest): Capture {
  if (!(ringBytes >= RING.least && ringBytes <= RING.most && Number.isInteger(Math.log2(ringBytes)))) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot capture with a buffer of ${ringBytes} bytes: wanted a power of two from 64 KiB to 256 MiB`,
    )
  }
  return {
    snaplen: wholeNumber('a snapshot length of', snaplen, 1, MAX_SNAPLEN),
    ringBytes,
    ...(verdict === undefined ? {} : { verdict }),
  }
}

function wholeNumber(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot capture with ${what} ${value}: wanted a whole number from ${least} to ${most}`,
  )
}
