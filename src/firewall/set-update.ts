import { SeawallError } from '../entry/errors.ts'
import { type Address, parseAddress } from '../net/address.ts'
import { NetError } from '../net/errors.ts'
import { type Prefix, parsePrefix } from '../net/prefix.ts'
import type { PrefixSet } from '../rules/sets/index.ts'
import type { SetChangeRecord } from './journal.ts'
import type { Live } from './live.ts'
import type { ManifestSet } from './manifest.ts'
import type { OpenSet } from './set-cache.ts'

/** `full`: nothing was changed, there is no room in place. */
export type SetUpdate = 'changed' | 'same' | 'full'

/** Reads a prefix that a person gave. */
export function readPrefix(text: string): Prefix {
  try {
    return parsePrefix(text)
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new SeawallError('SEAWALL_INPUT', cause.message, { cause })
  }
}

/** Reads an address that a person gave. */
export function readAddress(text: string): Address {
  try {
    return parseAddress(text)
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new SeawallError('SEAWALL_INPUT', cause.message, { cause })
  }
}

/**
 * Finds a set of the generation in force.
 *
 * @throws SeawallError SEAWALL_UNKNOWN_SET
 */
export function findSet(live: Live, name: string): ManifestSet {
  const set = live.manifest.sets.find((one) => one.name === name)
  if (set !== undefined) return set
  const names = live.manifest.sets.map((one) => one.name).join(', ')
  throw new SeawallError('SEAWALL_UNKNOWN_SET', `Cannot find set "${name}": there are ${names === '' ? 'none' : names}`)
}

/**
 * Adds or deletes one prefix in the memory that packets read. The journal has it first, so that a process that dies in between
 * leaves a change that {@link repairSet} makes again.
 */
export function changeSet(set: OpenSet, change: SetChangeRecord): SetUpdate {
  if (change.op === 'delete' && !set.contents().has(change.prefix)) return 'same'
  if (set.journal.isFull) return 'full'
  const { known } = set
  set.journal.append(change)
  if (change.op === 'delete') return remove(set, change.prefix, known!)
  const added = set.memory.add(change.prefix)
  if (added !== 'added') set.journal.removeLast()
  if (added === 'full') return 'full'
  if (added === 'present') return addCovered(set, change)
  if (known?.add(change.prefix)) set.settle(known)
  return 'changed'
}

/** Makes the last change of the journal again, in case that who wrote it down did not come to make it. */
export function repairSet(set: OpenSet): void {
  const last = [...set.journal.entries()].at(-1)
  if (last?.op === 'add') set.memory.add(last.prefix)
  else if (last?.op === 'delete') remove(set, last.prefix, set.contents())
}

function remove(set: OpenSet, prefix: Prefix, contents: PrefixSet): SetUpdate {
  contents.delete(prefix)
  set.settle(contents)
  set.memory.delete(prefix, contents)
  return 'changed'
}

/** Packets see no difference, as other elements cover all of it; but these may go. */
function addCovered(set: OpenSet, change: SetChangeRecord): SetUpdate {
  const contents = set.contents()
  if (!contents.add(change.prefix)) return 'same'
  set.journal.append(change)
  set.settle(contents)
  return 'changed'
}
