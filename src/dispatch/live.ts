import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BpfMap } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { Handles } from '../entry/handles.ts'
import { openLink, openMap, openProgram } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import type { ActiveBinding } from './desired.ts'
import { type Directory, readDirectory } from './directory.ts'
import { readManifest, type SetManifest } from './manifest.ts'
import { hasNetns, isAttached, LINK, listSets, setFolder, stateFolder } from './pins.ts'

/** Maps that last from set to set. */
export const LASTING = [
  'sockets',
  'memberships',
  'destinations',
  'generations',
  'destination_counts',
  'quic_groups',
  'quic_counts',
] as const

/** What is in force in a network namespace, with its maps open. */
export class LiveDispatch {
  /** Folder of all state of the network namespace. */
  readonly state: string
  /** Number of the set in force. */
  readonly set: number
  readonly programId: number
  #manifest: SetManifest | undefined
  readonly #handles = new Handles()
  readonly #maps = new Map<string, BpfMap>()

  private constructor(state: string, set: number, programId: number) {
    this.state = state
    this.set = set
    this.programId = programId
  }

  /** Undefined if there is nothing. @throws SeawallError SEAWALL_STATE_VERSION */
  static find(paths: Paths): LiveDispatch | undefined {
    if (!hasNetns(paths)) return undefined
    const state = stateFolder(paths)
    if (!isAttached(state)) return undefined
    const programId = attachedProgram(state)
    const set = listSets(state).find((number) => programOf(setFolder(state, number)) === programId)
    if (set !== undefined) return new LiveDispatch(state, set, programId)
    throw new SeawallError(
      'SEAWALL_STATE_VERSION',
      `Cannot use the state in "${state}": program ${programId} is in force but no set has it (run seawall unload)`,
    )
  }

  /** Names what is in force, for who reads it without a lock. */
  static version(paths: Paths): string {
    if (!hasNetns(paths)) return ''
    const state = stateFolder(paths)
    return isAttached(state) ? `${attachedProgram(state)} of ${listSets(state)}` : ''
  }

  /** @throws SeawallError SEAWALL_NO_DISPATCH if there is nothing */
  static require(paths: Paths): LiveDispatch {
    const live = LiveDispatch.find(paths)
    if (live !== undefined) return live
    throw new SeawallError(
      'SEAWALL_NO_DISPATCH',
      'Cannot find any dispatch in the kernel: no binding was made and no socket registered (seawall bind, or seawall load)',
    )
  }

  /** Folder of the set in force. */
  get folder(): string {
    return setFolder(this.state, this.set)
  }

  get manifest(): SetManifest {
    this.#manifest ??= readManifest(this.folder)
    return this.#manifest
  }

  get directory(): Directory {
    return readDirectory(this.state)
  }

  /** A map of those that last. */
  lasting(name: (typeof LASTING)[number]): BpfMap {
    return this.#open(join(this.state, name))
  }

  /** A map of the set. */
  map(name: string): BpfMap {
    return this.#open(join(this.folder, name))
  }

  close(): void {
    this.#maps.clear()
    this.#handles.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #open(pin: string): BpfMap {
    const known = this.#maps.get(pin)
    if (known !== undefined) return known
    const map = this.#handles.keep(openMap(pin))
    this.#maps.set(pin, map)
    return map
  }
}

function attachedProgram(state: string): number {
  const link = openLink(join(state, LINK))
  try {
    return link.info().programId
  } finally {
    link.close()
  }
}

function programOf(folder: string): number | undefined {
  const pin = join(folder, 'program')
  if (!existsSync(pin)) return undefined
  const program = openProgram(pin)
  try {
    return program.id
  } finally {
    program.close()
  }
}

/** All bindings in force. */
export function activeBindings(paths: Paths): readonly ActiveBinding[] {
  using live = LiveDispatch.find(paths)
  return live?.manifest.bindings ?? []
}
