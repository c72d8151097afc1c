import { join } from 'node:path'
import { type Address, parseAddress } from '../net/address.ts'
import { NetError } from '../net/errors.ts'
import { type Prefix, parsePrefix } from '../net/prefix.ts'
import { openSet, type PrefixSet } from '../rules/sets/index.ts'
import { FirewallError } from './errors.ts'
import { Handles } from './handles.ts'
import { Journal, type SetChangeRecord } from './journal.ts'
import type { Live } from './live.ts'
import type { ManifestSet } from './manifest.ts'
import { pinOf } from './maps.ts'
import { openMap } from './open.ts'
import { loadSet } from './sets.ts'

/** `full`: nothing was changed, there is no room in place. */
export type SetUpdate = 'changed' | 'same' | 'full'

/** Sets as this process knows them, each under the id of its map: loading a large one takes longer than changing it. */
export class SetCache {
  readonly #sets = new Map<string, { readonly map: number; readonly set: PrefixSet }>()

  get(name: string, map: number): PrefixSet | undefined {
    const found = this.#sets.get(name)
    return found?.map === map ? found.set : undefined
  }

  load(folder: string, name: string, map: number): PrefixSet {
    const known = this.get(name, map)
    if (known !== undefined) return known
    const set = loadSet(folder, name)
    this.#sets.set(name, { map, set })
    return set
  }
}

/** Reads a prefix that a person gave. */
export function readPrefix(text: string): Prefix {
  try {
    return parsePrefix(text)
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new FirewallError('SEAWALL_INPUT', cause.message, { cause })
  }
}

/** Reads an address that a person gave. */
export function readAddress(text: string): Address {
  try {
    return parseAddress(text)
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new FirewallError('SEAWALL_INPUT', cause.message, { cause })
  }
}

/** What a set of the generation in force holds, as this process knows it. */
export function contentsOfSet(live: Live, name: string, cache: SetCache): PrefixSet {
  const map = openMap(join(live.folder, pinOf(`set:${name}`)))
  try {
    return cache.load(live.folder, name, map.id)
  } finally {
    map.close()
  }
}

/**
 * Finds a set of the generation in force.
 *
 * @throws FirewallError SEAWALL_UNKNOWN_SET
 */
export function findSet(live: Live, name: string): ManifestSet {
  const set = live.manifest.sets.find((one) => one.name === name)
  if (set !== undefined) return set
  const names = live.manifest.sets.map((one) => one.name).join(', ')
  throw new FirewallError(
    'SEAWALL_UNKNOWN_SET',
    `Cannot find set "${name}": there are ${names === '' ? 'none' : names}`,
  )
}

/**
 * Adds or deletes one prefix in the memory that packets read. The journal has it first, so that a process that dies in between
 * leaves a change that the next one can make again.
 */
export function changeSet(
  live: Live,
  { name, geometry }: ManifestSet,
  change: SetChangeRecord,
  cache: SetCache,
): SetUpdate {
  const handles = new Handles()
  const open = (symbol: string) => handles.keep(openMap(join(live.folder, pinOf(symbol))))
  try {
    const map = open(`set:${name}`)
    const memory = openSet(map.mmap(), geometry)
    const journal = new Journal(open(`changes:${name}`).mmap())
    const contents = () => cache.load(live.folder, name, map.id)
    const make = ({ op, prefix }: SetChangeRecord) =>
      op === 'add' ? memory.add(prefix) : memory.delete(prefix, contents()) ? 'deleted' : 'absent'

    const last = cache.get(name, map.id) === undefined ? [...journal.entries()].at(-1) : undefined
    if (last !== undefined) make(last)
    if (change.op === 'delete' && !contents().has(change.prefix)) return 'same'
    if (journal.isFull) return 'full'
    journal.append(change)
    if (change.op === 'delete') contents().delete(change.prefix)
    const made = make(change)
    if (made === 'full' || made === 'present') {
      journal.removeLast()
      return made === 'full' ? 'full' : 'same'
    }
    if (change.op === 'add') cache.get(name, map.id)?.add(change.prefix)
    return 'changed'
  } finally {
    handles.close()
  }
}
