import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readDocument, writeDocument } from '../entry/document.ts'
import type { BuiltPart, Part, PartFolders, PartPlace } from '../entry/part.ts'
import type { Paths } from '../entry/paths.ts'
import type { Change } from '../entry/types.ts'
import { formatPrefix, parsePrefix } from '../net/prefix.ts'
import { difference, withConfigured } from './bind.ts'
import { type BindingWords, bindingWords, readBinding } from './binding.ts'
import { changesOf } from './changes.ts'
import { type ActiveBinding, type DesiredDispatch, nothingDesired } from './desired.ts'
import { activeBindings, LiveDispatch } from './live.ts'
import { addRoutes, planRoutes, removeRoutes } from './local-routes.ts'
import { hasNetns, prepareDispatchFolder, removeState, stateFolder } from './pins.ts'
import { type PreparedSet, prepareSet } from './prepare-set.ts'
import { isGroupLabel } from './udpgrm/groups.ts'
import { isUdpgrmAs, type UdpgrmPlace, type UdpgrmWish } from './udpgrm/hooks.ts'
import { unregisterSockets } from './unregister.ts'

/** Folder of a generation with what its configuration says of dispatch. */
const PART = 'dispatch'

const DESIRED = 'desired'
/** What an agent sees to while the generation is in force. */
const DUTIES = 'duties'

/**
 * The bindings and local prefixes of a configuration, which come and go with its generation. What they are in the kernel is beside the
 * generations, together with sockets and with bindings that commands have made: these stay. Only for who has the lock.
 */
export class DispatchPart implements Part {
  readonly name = PART
  readonly inPath = false
  readonly #paths: Paths
  readonly #wanted: { readonly desired: DesiredDispatch | undefined } | undefined

  private constructor(paths: Paths, wanted?: { readonly desired: DesiredDispatch | undefined }) {
    this.#paths = paths
    this.#wanted = wanted
  }

  /** Of a configuration, which may have none. */
  static of(paths: Paths, desired: DesiredDispatch | undefined): DispatchPart {
    return new DispatchPart(paths, { desired })
  }

  /** The one that is there, when something else changes or comes back. */
  static kept(paths: Paths): DispatchPart {
    return new DispatchPart(paths)
  }

  /** Where the generation in force has some, the next one says that there is none. */
  isWanted({ live, source }: PartFolders): boolean {
    return (
      this.#wanted?.desired !== undefined || live !== undefined || (this.#wanted === undefined && source !== undefined)
    )
  }

  async changes(live: string | undefined): Promise<readonly Change[]> {
    if (this.#wanted === undefined) return []
    const before = live === undefined ? nothingDesired : readDesired(live)
    return changesOf(before, this.#wanted.desired ?? nothingDesired)
  }

  warnings(): readonly string[] {
    return []
  }

  async build({ folder, source }: PartPlace): Promise<BuiltPart> {
    const kept = source === undefined ? nothingDesired : readDesired(source)
    const desired = this.#wanted === undefined ? kept : (this.#wanted.desired ?? nothingDesired)
    writeDesired(folder, desired)
    return await this.#prepare(desired)
  }

  async finish(folder: string): Promise<void> {
    await this.#bringIntoForce(readDesired(folder))
  }

  async withdraw(): Promise<void> {
    if (!hasNetns(this.#paths)) return
    await this.#bringIntoForce(nothingDesired)
    using live = LiveDispatch.find(this.#paths)
    if (live?.manifest.bindings.length === 0 && live.directory.destinations.length === 0) removeState(this.#paths)
  }

  async #bringIntoForce(desired: DesiredDispatch): Promise<void> {
    const built = await this.#prepare(desired)
    try {
      built.comeIntoForce()
    } finally {
      built.close()
    }
  }

  /** Routes come before the bindings that need them, and go after them. */
  async #prepare({ announce, bindings, udpgrm }: DesiredDispatch): Promise<Required<Omit<BuiltPart, 'stage'>>> {
    const before = activeBindings(this.#paths)
    const isLeft = udpgrm === undefined && !this.#answersAs(null)
    const kept = isLeft ? before.filter(({ label }) => !isGroupLabel(label)) : before
    const after = withConfigured(kept, bindings)
    const prepared = await this.#prepareSet(before, after, udpgrm ?? null)
    const paths = this.#paths
    const { netns } = paths
    return {
      comeIntoForce() {
        const { add, remove } = planRoutes(netns, announce)
        addRoutes(netns, add)
        try {
          prepared?.commit()
        } catch (error) {
          removeRoutes(netns, add)
          throw error
        }
        removeRoutes(netns, remove)
        if (isLeft) forgetGroups(paths)
      },
      close: () => prepared?.close(),
    }
  }

  /** Without its network namespace there is nothing to change. */
  #answersAs(udpgrm: UdpgrmWish): boolean {
    return !hasNetns(this.#paths) || isUdpgrmAs(stateFolder(this.#paths), udpgrm)
  }

  async #prepareSet(
    before: readonly ActiveBinding[],
    after: readonly ActiveBinding[],
    udpgrm: UdpgrmWish,
  ): Promise<PreparedSet | undefined> {
    const changes = difference(before, after).length + difference(after, before).length
    if (changes === 0 && this.#answersAs(udpgrm)) return undefined
    prepareDispatchFolder(this.#paths)
    return await prepareSet(this.#paths, after, () => undefined, udpgrm)
  }
}

/** What servers have asked for by options of udpgrm. */
function forgetGroups(paths: Paths): void {
  using live = LiveDispatch.find(paths)
  const labels = new Set(live?.directory.destinations.map(({ label }) => label).filter(isGroupLabel))
  for (const label of labels) unregisterSockets(live!, { label })
}

interface DesiredDocument {
  readonly announce: readonly string[]
  readonly bindings: readonly BindingWords[]
  readonly udpgrm?: UdpgrmPlace
}

/** What an agent does for a configuration as long as it is in force. */
export type Duties = Pick<DesiredDispatch, 'watches' | 'successions'>

export const noDuties: Duties = { watches: [], successions: [] }

function writeDesired(folder: string, { announce, bindings, watches, successions, ...rest }: DesiredDispatch): void {
  const document: DesiredDocument = {
    announce: announce.map(formatPrefix),
    bindings: bindings.map(bindingWords),
    ...rest,
  }
  const duties: Duties = { watches, successions }
  writeDocument(folder, DESIRED, document)
  writeDocument(folder, DUTIES, duties)
}

function readDesired(folder: string): DesiredDispatch {
  const { announce, bindings, ...rest } = readDocument(folder, DESIRED) as DesiredDocument
  const duties = readDocument(folder, DUTIES) as Duties
  return { announce: announce.map(parsePrefix), bindings: bindings.map(readBinding), ...duties, ...rest }
}

/** Those that come with a generation of the configuration. */
export function readDuties(generation: string): Duties {
  const folder = join(generation, PART)
  return existsSync(folder) ? (readDocument(folder, DUTIES) as Duties) : noDuties
}
