import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openMap } from '../entry/open.ts'
import { formatPrefix } from '../net/prefix.ts'
import { type BuiltSet, buildSet, PrefixSet } from '../rules/sets/index.ts'
import { parseSetFile } from '../rules/sets/parse-file.ts'
import { SetFileError } from '../rules/sets/set-file-error.ts'
import type { SetSource } from './desired.ts'
import { Journal, type SetChangeRecord } from './journal.ts'
import type { Live } from './live.ts'
import type { ManifestSet } from './manifest.ts'
import { pinOf } from './maps.ts'
import { readSource } from './set-source.ts'

/** A set as it shall be. Loading it is put off: one that is in force already is not loaded at all. */
export interface SetInput {
  readonly name: string
  readonly file?: string
  /** Of its contents, without changes made in place. */
  readonly digest: string
  /** It has to be laid out anew even if its contents are what they were. */
  readonly anew?: boolean
  /**
   * Its elements, laid out for packets. Done once.
   *
   * @throws SetFileError for bad lines
   */
  lay(): Promise<LaidSet>
}

export interface LaidSet {
  readonly set: PrefixSet
  readonly built: BuiltSet
}

function setInput(head: Omit<SetInput, 'lay'>, load: () => PrefixSet | Promise<PrefixSet>): SetInput {
  let laid: Promise<LaidSet> | undefined
  const work = async () => {
    const set = await load()
    return { set, built: buildSet(set) }
  }
  return { ...head, lay: () => (laid ??= work()) }
}

/**
 * The sets of a configuration. Files are read, but not yet looked into.
 *
 * @throws SetFileError SET_FILE_UNREADABLE
 */
export function openSets(sources: ReadonlyMap<string, SetSource>): Promise<SetInput[]> {
  return Promise.all([...sources].map(([name, source]) => openSet(name, source)))
}

async function openSet(name: string, source: SetSource): Promise<SetInput> {
  if (source.kind === 'inline') {
    const digest = digestOf(source.prefixes.map(formatPrefix).join('\n'))
    return setInput({ name, digest }, () => new PrefixSet(source.prefixes))
  }
  const file = source.path
  const bytes = await readBytes(file)
  return setInput({ name, file, digest: digestOf(bytes) }, () => parseSetFile(bytes, { name: file }))
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    const message = `Cannot read set file "${file}": ${(cause as NodeJS.ErrnoException).code} (correct its path in the configuration)`
    throw new SetFileError('SET_FILE_UNREADABLE', message, [], { cause })
  }
}

/** The sets of a generation as they are, for one that differs in other things. */
export function keptSets(from: Live): SetInput[] {
  return from.manifest.sets.map((set) => keptSet(from, set))
}

export function keptSet(from: Live, set: ManifestSet): SetInput {
  return setInput(headOf(set), () => loadSet(from.folder, set.name))
}

/** A set of a generation with one more change than it has room for in place. */
export function grownSet(from: Live, set: ManifestSet, change: SetChangeRecord): SetInput {
  return setInput({ ...headOf(set), anew: true }, () => {
    const contents = loadSet(from.folder, set.name)
    make(contents, change)
    return contents
  })
}

function headOf({ name, file, digest }: ManifestSet): Omit<SetInput, 'lay'> {
  return { name, ...(file === undefined ? {} : { file }), digest }
}

/** What a set of a generation holds now: what it was built of, and the changes since. */
export function loadSet(folder: string, name: string): PrefixSet {
  const set = withMemory(folder, `source:${name}`, readSource)
  withMemory(folder, `changes:${name}`, (bytes) => replay(set, new Journal(bytes)))
  return set
}

function replay(set: PrefixSet, journal: Journal): void {
  for (const change of journal.entries()) make(set, change)
}

function make(set: PrefixSet, { op, prefix }: SetChangeRecord): void {
  if (op === 'add') set.add(prefix)
  else set.delete(prefix)
}

/** Lets `work` see the memory of a pinned map; the view is gone afterwards. */
export function withMemory<T>(folder: string, symbol: string, work: (bytes: Uint8Array) => T): T {
  const map = openMap(join(folder, pinOf(symbol)))
  try {
    return work(map.mmap())
  } finally {
    map.close()
  }
}

function digestOf(contents: Uint8Array | string): string {
  return createHash('sha256').update(contents).digest('hex').slice(0, 16)
}
