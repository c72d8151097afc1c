import type { Paths } from '../../entry/paths.ts'
import type { Group } from '../../generated/udpgrm.ts'
import { readServerSockets } from '../../linux/socket-table.ts'
import { type Address, parseAddress } from '../../net/address.ts'
import { formatMatch } from '../binding.ts'
import { openSockets } from '../destinations.ts'
import type { Dispatch } from '../dispatch.ts'
import { destinationsOf, shareOf } from '../generations.ts'
import { activeBindings, LiveDispatch } from '../live.ts'
import { addressOf, labelOf, OTHERS } from './groups.ts'
import type { UdpgrmMaps } from './maps.ts'
import { labelsOf, othersOf } from './others.ts'

/** Looks after groups that servers have made by options of udpgrm: after their end, and after sockets beside them. */
export class UdpgrmCaretaker {
  readonly #paths: Paths
  readonly #dispatch: Dispatch
  readonly #maps: UdpgrmMaps
  /** Of the sockets that there were when others were looked for. */
  #inodes: ReadonlySet<number> = new Set()
  /** What is others', as it was last. */
  #others: string | undefined

  constructor(paths: Paths, dispatch: Dispatch, maps: UdpgrmMaps) {
    this.#paths = paths
    this.#dispatch = dispatch
    this.#maps = maps
  }

  /** Leaves sockets alone that are bound to one address where a group has all. Those of a client are connected at once, and are none. */
  async leaveOthers(): Promise<void> {
    const groups = [...this.#maps.groups.keys()].filter((group) => addressOf(group).value === 0n)
    const there = groups.length === 0 ? [] : readServerSockets(this.#paths.netns)
    const lasting = there.filter(({ inode }) => this.#inodes.has(inode))
    this.#inodes = new Set(there.map(({ inode }) => inode))
    const wanted = new Map(othersOf(groups, lasting).map((one) => [formatMatch(one), one]))
    // What was bound together with a group is there, but was not seen before.
    const present = new Set(othersOf(groups, there).map(formatMatch))
    const others = [[...wanted.keys()].sort(), [...present].sort()].join(' | ')
    if (others === this.#others) return
    const labels = labelsOf(this.#paths)
    const gone = activeBindings(this.#paths).filter((one) => one.label === OTHERS && !present.has(formatMatch(one)))
    const fresh = [...wanted].flatMap(([match, one]) => (labels.has(match) ? [] : [one]))
    if (gone.length > 0) await this.#dispatch.unbind(gone)
    if (fresh.length > 0) await this.#dispatch.bind(fresh)
    this.#others = others
  }

  /** Forgets groups and generations whose sockets are closed. */
  async tidy(): Promise<void> {
    const open = readServerSockets(this.#paths.netns).filter(({ protocol }) => protocol === 'udp')
    const places = new Set(open.map(({ address, port }) => placeOf(parseAddress(address), port)))
    for (const group of [...this.#maps.groups.keys()])
      if (!places.has(placeOf(addressOf(group), group.port))) await this.#forget(group)
    this.#forgetClosed()
  }

  async #forget(group: Group): Promise<void> {
    const label = labelOf(group)
    const bindings = activeBindings(this.#paths).filter((one) => one.label === label)
    if (bindings.length > 0) await this.#dispatch.unbind(bindings)
    await this.#dispatch.unregister({ label })
    for (const key of [...this.#maps.known.keys()]) if (labelOf(key.group) === label) this.#maps.known.delete(key)
    this.#maps.working.delete(group)
    this.#maps.groups.delete(group)
  }

  #forgetClosed(): void {
    using live = LiveDispatch.find(this.#paths)
    if (live === undefined) return
    const { directory } = live
    for (const key of [...this.#maps.known.keys()]) {
      const number = this.#maps.known.get(key) ?? 0
      const shares = destinationsOf(directory, labelOf(key.group)).flatMap((one) => shareOf(one, number) ?? [])
      if (number > 0 && !shares.some((share) => openSockets(live, share).length > 0)) this.#maps.known.delete(key)
    }
  }
}

const placeOf = ({ family, value }: Address, port: number): string => `${family} ${value} ${port}`
