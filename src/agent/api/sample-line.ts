import type { Sample } from '../../firewall/types.ts'
import { type ErrorBody, errorBody, reviveError } from './error-body.ts'
import { fromHex, toHex } from './hex.ts'

/** A sample as one line of newline-delimited JSON. */
export function formatSample(sample: Sample): string {
  return `${JSON.stringify({ ...sample, timestamp: sample.timestamp.toString(), bytes: toHex(sample.bytes) })}\n`
}

/** The last line of a stream that broke: headers are long gone by then, so the error travels as a line. */
export function formatSampleError(error: unknown): string {
  return `${JSON.stringify({ error: errorBody(error) })}\n`
}

type Plain = Omit<Sample, 'timestamp' | 'bytes'> & { timestamp: string; bytes: string }

/**
 * Reads a line that {@link formatSample} wrote.
 *
 * @throws the error of a line that {@link formatSampleError} wrote.
 */
export function parseSample(line: string): Sample {
  const plain = JSON.parse(line) as Plain | { error: ErrorBody }
  if ('error' in plain) throw reviveError(plain.error)
  return { ...plain, timestamp: BigInt(plain.timestamp), bytes: fromHex(plain.bytes) ?? new Uint8Array() }
}
