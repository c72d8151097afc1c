import { SeawallError } from '../../entry/errors.ts'
import type { Paths } from '../../entry/paths.ts'
import type { Group, GroupGeneration } from '../../generated/udpgrm.ts'
import { readServerSockets } from '../../linux/socket-table.ts'
import { type Binding, formatMatch } from '../binding.ts'
import type { Dispatch } from '../dispatch.ts'
import { destinationsOf, labelIn, shareOf } from '../generations.ts'
import { LiveDispatch } from '../live.ts'
import { type GenerationChoice, workingOf } from '../plan-generation.ts'
import { checkSockets } from '../register.ts'
import type { RegisterResult } from '../types.ts'
import type { AskedSocket } from './asked-sockets.ts'
import { bindingsOf, labelOf, OTHERS } from './groups.ts'
import type { UdpgrmMaps } from './maps.ts'
import { labelsOf, othersOf } from './others.ts'

/** Does what servers have asked for: makes their groups labels, and their generations those of the label. */
export class UdpgrmRegistrar {
  readonly #paths: Paths
  readonly #dispatch: Dispatch
  readonly #maps: UdpgrmMaps
  constructor(paths: Paths, dispatch: Dispatch, maps: UdpgrmMaps) {
    this.#paths = paths
    this.#dispatch = dispatch
    this.#maps = maps
  }

  /**
   * Registers sockets that ask for one generation of one group. When that fails for good, the generation is not known any more.
   *
   * @throws SeawallError
   */
  async register(of: GroupGeneration, sockets: readonly AskedSocket[]): Promise<RegisterResult> {
    const label = labelOf(of.group)
    try {
      await this.#bind(of.group, sockets)
      const result = await this.#dispatch.register(label, sockets, this.#choose(label, this.#maps.known.get(of)))
      this.#maps.known.set(of, result.generation)
      this.#note(of, sockets, result)
      return result
    } catch (error) {
      if (!isBusy(error) && this.#maps.known.get(of) === 0) this.#maps.known.delete(of)
      throw error
    }
  }

  /**
   * Has the generation work that a group's server has set last, if it is registered. When that cannot be, what works stays set.
   *
   * @throws SeawallError
   */
  async promote(group: Group): Promise<void> {
    const { known, working } = this.#maps
    const generation = working.get(group)
    const wanted = generation === undefined ? undefined : known.get({ group, generation })
    if (wanted === undefined || wanted === 0 || wanted === this.#workingOf(group)) return
    try {
      await this.#dispatch.promote(labelOf(group), wanted)
    } catch (error) {
      if (!isBusy(error)) this.#takeBack(group)
      throw error
    }
  }

  /** Commands and the configuration have the first word: what they have bound stays theirs. */
  async #bind(group: Group, [first]: readonly AskedSocket[]): Promise<void> {
    const dissector = this.#maps.groups.get(group)
    if (first === undefined || dissector === undefined) return
    const [checked] = checkSockets(this.#paths.netns, [first])
    const wanted = bindingsOf(group, dissector, checked!.facts.dualStack)
    const labels = labelsOf(this.#paths)
    for (const binding of wanted) {
      const other = labels.get(formatMatch(binding))
      if (other !== undefined && other !== binding.label && other !== OTHERS) throw taken(binding, other)
    }
    if (wanted.every((binding) => labels.get(formatMatch(binding)) === binding.label)) return
    const others = othersOf([group], readServerSockets(this.#paths.netns)).filter(
      (one) => !labels.has(formatMatch(one)),
    )
    await this.#dispatch.bind([...wanted, ...others])
  }

  /** A generation that drains, or whose sockets are closed, takes none: others of its number are one of their own. */
  #choose(label: string, number: number | undefined): GenerationChoice {
    using live = LiveDispatch.require(this.#paths)
    const { directory } = live
    const found = labelIn(directory, label).generations.find((one) => one.number === number)
    if (found === undefined) return 'new'
    return found.promoted === undefined || found.number === workingOf(live, directory, label) ? found.number : 'new'
  }

  /** Tells the sockets where they are: the index is their place in the generation. */
  #note(
    { generation }: GroupGeneration,
    sockets: readonly AskedSocket[],
    { label, generation: number }: RegisterResult,
  ) {
    using live = LiveDispatch.require(this.#paths)
    const shares = destinationsOf(live.directory, label).flatMap((one) => shareOf(one, number)?.sockets ?? [])
    const places = new Map(shares.map((one) => [one.cookie, one]))
    for (const { fd, facts } of checkSockets(this.#paths.netns, sockets)) {
      const own = places.get(`${facts.cookie}`)
      if (own === undefined) continue
      const { place: index, flowCookie: cookie = 0 } = own
      this.#maps.registered.set(fd, { generation, index, cookie, zero: 0 })
    }
  }

  #workingOf(group: Group): number | undefined {
    using live = LiveDispatch.require(this.#paths)
    return workingOf(live, live.directory, labelOf(group))
  }

  #takeBack(group: Group): void {
    const number = this.#workingOf(group)
    const [before] = this.#generationsOf(group).filter((one) => this.#maps.known.get(one) === number)
    if (before !== undefined) this.#maps.working.set(group, before.generation)
  }

  #generationsOf(group: Group): GroupGeneration[] {
    const label = labelOf(group)
    return [...this.#maps.known.keys()].filter((one) => labelOf(one.group) === label)
  }
}

/** Whether something can be done once another writer has ended. */
export const isBusy = (error: unknown): boolean => error instanceof SeawallError && error.code === 'SEAWALL_LOCKED'

function taken(binding: Binding, label: string): SeawallError {
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot bind "${formatMatch(binding)}" to "${binding.label}", as a server has asked by options of udpgrm: it is bound to "${label}" (unbind it, or register the server's sockets for "${label}")`,
  )
}
