import { parseDuration } from '../../entry/duration.ts'
import type { CaptureRequest } from '../../firewall/index.ts'
import { MAX_SNAPLEN } from '../../rules/compile/capture.ts'
import { usageError } from '../exit-codes.ts'
import { parseCount } from '../parse-count.ts'
import { parseShare } from '../parse-share.ts'
import { parseSize } from '../parse-size.ts'

/** Options of `seawall capture` as they are written. */
export interface CaptureFlags {
  readonly write?: string
  readonly verdict?: string
  readonly count?: string
  readonly for?: string
  readonly snaplen?: string
  readonly sample?: string
  readonly buffer: string
}

/** What a command line asks for. */
export interface CaptureWish {
  readonly request: CaptureRequest
  /** File to write, `-` for standard output; lines if absent. */
  readonly file?: string
  /** Packets after which to end. */
  readonly count: number
  readonly forMs?: number
}

/** @throws SeawallError SEAWALL_INPUT */
export function readCaptureFlags(args: readonly string[], flags: CaptureFlags): CaptureWish {
  const { write, snaplen, sample } = flags
  return {
    request: {
      ringBytes: parseSize('--buffer', flags.buffer),
      ...(args.length === 0 ? {} : { expr: args.join(' ') }),
      ...(flags.verdict === undefined ? {} : { verdict: readVerdict(flags.verdict) }),
      ...(snaplen === undefined ? {} : { snaplen: parseCount('--snaplen', snaplen, MAX_SNAPLEN) }),
      ...(sample === undefined ? {} : { every: parseShare('--sample', sample) }),
    },
    count: flags.count === undefined ? Number.POSITIVE_INFINITY : parseCount('--count', flags.count, MAX_COUNT),
    ...(write === undefined ? {} : { file: write }),
    ...(flags.for === undefined ? {} : { forMs: parseDuration(flags.for) }),
  }
}

const MAX_COUNT = 1_000_000_000_000

function readVerdict(text: string): 'drop' | 'pass' | 'tx' {
  if (text === 'drop' || text === 'pass' || text === 'tx') return text
  throw usageError(`Cannot use --verdict "${text}": wanted drop, pass or tx`)
}
