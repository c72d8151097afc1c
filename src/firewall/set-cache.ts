import { join } from 'node:path'
import { Handles } from '../entry/handles.ts'
import { openMap } from '../entry/open.ts'
import { type LiveSet, openSet, type PrefixSet } from '../rules/sets/index.ts'
import { Journal } from './journal.ts'
import type { Live } from './live.ts'
import type { ManifestSet } from './manifest.ts'
import { pinOf } from './maps.ts'
import { repairSet } from './set-update.ts'
import { loadSet } from './sets.ts'

/** A set of the generation in force, open for changes in place. */
export class OpenSet {
  readonly memory: LiveSet
  readonly journal: Journal
  readonly #load: () => PrefixSet
  #contents: PrefixSet | undefined
  /** Length of the journal when the contents were as it says: another process may have gone on since. */
  #settledAt = -1

  constructor(memory: LiveSet, journal: Journal, load: () => PrefixSet, known?: PrefixSet) {
    this.memory = memory
    this.journal = journal
    this.#load = load
    if (known !== undefined) this.settle(known)
  }

  /** What it holds, in user space; loaded when it is first asked for. */
  contents(): PrefixSet {
    return this.known ?? this.settle(this.#load())
  }

  /** The contents, if they are loaded and up to date. */
  get known(): PrefixSet | undefined {
    return this.#settledAt === this.journal.length ? this.#contents : undefined
  }

  /** Says that these are the contents, with all of the journal. */
  settle(contents: PrefixSet): PrefixSet {
    this.#contents = contents
    this.#settledAt = this.journal.length
    return contents
  }
}

interface Entry {
  /** Id of the program of the generation that it was opened in. */
  readonly program: number
  readonly map: number
  readonly handles: Handles
  readonly set: OpenSet
  repaired: boolean
}

/**
 * Sets as this process knows them. Opening one maps its memory and loading one of a million prefixes takes a while, both far longer
 * than the change of one element, so they are kept for the next change.
 */
export class SetCache {
  readonly #entries = new Map<string, Entry>()

  /** For looking into it. */
  open(live: Live, set: ManifestSet): OpenSet {
    return this.#entry(live, set).set
  }

  /** For changing it; only for who holds the lock. */
  openForChange(live: Live, set: ManifestSet): OpenSet {
    const entry = this.#entry(live, set)
    if (!entry.repaired) repairSet(entry.set)
    entry.repaired = true
    return entry.set
  }

  #entry(live: Live, set: ManifestSet): Entry {
    const before = this.#entries.get(set.name)
    if (before?.program === live.program.id) return before
    const contents = before === undefined ? undefined : { map: before.map, known: before.set.known }
    before?.handles.close()
    this.#entries.delete(set.name)
    const entry = openEntry(live, set, contents)
    this.#entries.set(set.name, entry)
    return entry
  }

  /** Closes what is open of generations that may be gone. */
  close(): void {
    for (const { handles } of this.#entries.values()) handles.close()
    this.#entries.clear()
  }
}

interface Contents {
  readonly map: number
  readonly known: PrefixSet | undefined
}

/** `before`: the set in another generation, whose contents are the same if its map is. */
function openEntry(live: Live, { name, geometry }: ManifestSet, before: Contents | undefined): Entry {
  const handles = new Handles()
  try {
    const open = (symbol: string) => handles.keep(openMap(join(live.folder, pinOf(symbol))))
    const map = open(`set:${name}`)
    const journal = new Journal(open(`changes:${name}`).mmap())
    const known = before?.map === map.id ? before.known : undefined
    const load = () => loadSet(live.folder, name)
    const set = new OpenSet(openSet(map.mmap(), geometry), journal, load, known)
    return { program: live.program.id, map: map.id, handles, set, repaired: false }
  } catch (error) {
    handles.close()
    throw error
  }
}
