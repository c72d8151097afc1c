import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { formatPrefix } from '../../net/prefix.ts'
import { LineReader } from './line-reader.ts'
import type { PrefixSet } from './prefix-set.ts'
import { type LineProblem, SetFileError } from './set-file-error.ts'

export interface ParseSetOptions {
  /** Name for messages; default the path, or `set`. */
  readonly name?: string
  /** Problems told in full; the rest are counted. Default 10. */
  readonly maxProblems?: number
}

/** Bytes between two chances for other work of the event loop. */
const SLICE = 256 * 1024

/**
 * Reads a file of prefixes (or its bytes): one prefix or address a line, of either family, in any order; `#` or `;` begins a
 * comment; blank lines and CRLF are fine, and so are duplicates.
 * @throws SetFileError SET_FILE_LINES with every bad line's number and text, SET_FILE_UNREADABLE with the cause
 */
export async function parseSetFile(source: string | Uint8Array, options: ParseSetOptions = {}): Promise<PrefixSet> {
  const name = options.name ?? (typeof source === 'string' ? source : 'set')
  const bytes = typeof source === 'string' ? await read(source, name) : source
  const reader = new LineReader(bytes)
  const max = options.maxProblems ?? 10
  const problems: LineProblem[] = []
  let total = 0
  while (!reader.done) {
    for (const problem of reader.read(SLICE)) if (total++ < max) problems.push(problem)
    if (!reader.done) await setImmediate()
  }
  if (total > 0) throw SetFileError.ofLines(name, problems, total)
  return reader.finish()
}

async function read(path: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new SetFileError('SET_FILE_UNREADABLE', `Cannot read set file "${name}": ${(cause as Error).message}`, [], {
      cause,
    })
  }
}

/** The text that {@link parseSetFile} reads. */
export function formatSetFile(set: PrefixSet): string {
  let text = ''
  for (const prefix of set) text += `${formatPrefix(prefix)}\n`
  return text
}
