import { readConsistently, readConsistentlyInSteps } from '../entry/consistent.ts'
import { takeLock } from '../entry/lock.ts'
import type { Paths } from '../entry/paths.ts'
import { preflight } from '../entry/preflight.ts'
import type { Step } from '../entry/step.ts'
import { difference, withBindings, withoutBindings } from './bind.ts'
import type { Binding } from './binding.ts'
import type { ActiveBinding } from './desired.ts'
import { type Telling, writeDirectory } from './directory.ts'
import { generationStatus } from './generation-status.ts'
import { labelIn, noteTelling } from './generations.ts'
import { checkLabel } from './label.ts'
import { LiveDispatch } from './live.ts'
import { prepareDispatchFolder, removeState } from './pins.ts'
import type { GenerationChoice } from './plan-generation.ts'
import type { Policy } from './policy.ts'
import { replaceSet } from './prepare-set.ts'
import { type ProcessSelection, withProcessSockets } from './process-sockets.ts'
import { drain, type Promotion, promote } from './promote.ts'
import { unsteeredLabels } from './quic-groups.ts'
import { checkSockets, type OpenSocket, registerSockets } from './register.ts'
import { bindingStatus, dispatchStatus } from './status.ts'
import type {
  BindingStatus,
  BindResult,
  DispatchStatus,
  GenerationStatus,
  PromoteResult,
  RegisterResult,
} from './types.ts'
import { type DestinationSelection, unregisterSockets } from './unregister.ts'

export interface DispatchOptions {
  /** Milliseconds to wait for another writer before giving up; default none. */
  readonly waitMs?: number
  /** Called between the steps of a change. */
  readonly step?: Step
}

/**
 * Socket dispatch in a network namespace. All of its state is in the kernel, so any number of these can be there; what changes something
 * takes the lock, what reads does not.
 */
export class Dispatch {
  readonly #paths: Paths
  readonly #waitMs: number
  readonly #step: Step
  /** Names what is in force. */
  readonly #version = (): string => LiveDispatch.version(this.#paths)

  constructor(paths: Paths, options: DispatchOptions = {}) {
    this.#paths = paths
    this.#waitMs = options.waitMs ?? 0
    this.#step = options.step ?? (() => undefined)
  }

  /** Whether a program is attached to the network namespace. */
  isLoaded(): boolean {
    using live = LiveDispatch.find(this.#paths)
    return live !== undefined
  }

  /** Attaches a program without bindings, if there is none. False if there is one. */
  load(): Promise<boolean> {
    return this.#change(() => this.#ensure())
  }

  /** Removes everything, whatever version made it: sockets get what they are bound to. False if there was nothing. */
  unload(): Promise<boolean> {
    return this.#change(async () => removeState(this.#paths))
  }

  /**
   * Adds bindings. One that is there with another label goes to the new one.
   *
   * @throws SeawallError SEAWALL_INPUT if they are in conflict
   */
  bind(bindings: readonly Binding[]): Promise<BindResult> {
    return this.#replace((before) => withBindings(before, bindings))
  }

  /** @throws SeawallError SEAWALL_INPUT if one is not there, has another label or is the configuration's */
  unbind(bindings: readonly Omit<Binding, keyof Policy>[]): Promise<BindResult> {
    return this.#replace((before) => withoutBindings(before, bindings))
  }

  /** Puts bindings in the place of all that commands made. */
  replaceDynamic(bindings: readonly Binding[]): Promise<BindResult> {
    return this.#replace((before) =>
      withBindings(
        before.filter(({ dynamic }) => !dynamic),
        bindings,
      ),
    )
  }

  /**
   * Gives open sockets to a label. They stay when this process ends, and go when nobody has them open any more.
   *
   * @throws SeawallError SEAWALL_INPUT for sockets that cannot get traffic, SEAWALL_FULL; then none is registered
   */
  async register(
    label: string,
    sockets: readonly OpenSocket[],
    generation: GenerationChoice = 'working',
  ): Promise<RegisterResult> {
    checkLabel(label)
    return this.#change(async () => {
      const checked = checkSockets(this.#paths.netns, sockets)
      await this.#ensure()
      using live = LiveDispatch.require(this.#paths)
      return await registerSockets(live, label, checked, generation)
    })
  }

  /**
   * Gives sockets of another process to a label, which needs to know nothing of it.
   *
   * @throws SeawallError as {@link register}; LinuxError PROCESS_GONE, SOCKET_GONE, PRIVILEGE_MISSING
   */
  registerProcess(
    label: string,
    selection: ProcessSelection,
    generation: GenerationChoice = 'working',
  ): Promise<RegisterResult> {
    return withProcessSockets(this.#paths.netns, selection, (sockets) => this.register(label, sockets, generation))
  }

  /**
   * Has a generation get what is new: the newest that waits, the one before, or that of a number. What the others have stays with them.
   *
   * @throws SeawallError SEAWALL_INPUT if it is not ready, or there is none
   */
  promote(label: string, promotion: Promotion = 'newest'): Promise<PromoteResult> {
    return this.#change(async () => {
      using live = LiveDispatch.require(this.#paths)
      return promote(live, label, promotion)
    })
  }

  /** Has a generation get nothing new any more. @throws SeawallError SEAWALL_INPUT if there is no such one */
  drain(label: string, generation: number): Promise<PromoteResult> {
    return this.#change(async () => {
      using live = LiveDispatch.require(this.#paths)
      return drain(live, label, generation)
    })
  }

  /** Notes that the processes of a generation are told something. False if they have been told before, or are not there. */
  tellOnce(label: string, generation: number, telling: Telling): Promise<boolean> {
    return this.#change(async () => {
      using live = LiveDispatch.require(this.#paths)
      const found = labelIn(live.directory, label).generations.find(({ number }) => number === generation)
      if (found === undefined || found.told?.includes(telling)) return false
      writeDirectory(live.state, noteTelling(live.directory, label, generation, telling))
      return true
    })
  }

  /** Takes sockets away from a label; they stay open. Returns how many there were. */
  unregister(selection: DestinationSelection): Promise<number> {
    return this.#change(async () => {
      using live = LiveDispatch.require(this.#paths)
      return unregisterSockets(live, selection)
    })
  }

  /** @throws SeawallError SEAWALL_NO_DISPATCH if nothing is there, as all below */
  async bindings(): Promise<BindingStatus[]> {
    return await this.#read(async (live) => bindingStatus(live))
  }

  /** Generations by label and number, with what they have to end. */
  async generations(): Promise<GenerationStatus[]> {
    return await this.#read((live) => generationStatus(this.#paths, live))
  }

  status(): DispatchStatus {
    return readConsistently(this.#version, () => {
      using live = LiveDispatch.require(this.#paths)
      return dispatchStatus(live)
    })
  }

  #read<T>(read: (live: LiveDispatch) => Promise<T>): Promise<T> {
    return readConsistentlyInSteps(this.#version, async () => {
      using live = LiveDispatch.require(this.#paths)
      return await read(live)
    })
  }

  #replace(change: (before: readonly ActiveBinding[]) => readonly ActiveBinding[]): Promise<BindResult> {
    return this.#change(async () => {
      const before = this.#bindings()
      const after = change(before ?? [])
      const [added, removed] = [difference(after, before ?? []).length, difference(before ?? [], after).length]
      if (before === undefined || added + removed > 0) await replaceSet(this.#paths, after, this.#step)
      const unsteered = this.#unsteered()
      return { added, removed, bindings: after.length, ...(unsteered.length === 0 ? {} : { unsteered }) }
    })
  }

  #unsteered(): string[] {
    using live = LiveDispatch.require(this.#paths)
    return unsteeredLabels(live)
  }

  #bindings(): readonly ActiveBinding[] | undefined {
    using live = LiveDispatch.find(this.#paths)
    return live?.manifest.bindings
  }

  async #ensure(): Promise<boolean> {
    if (this.isLoaded()) return false
    await replaceSet(this.#paths, [], this.#step)
    return true
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    preflight(['CAP_NET_ADMIN', 'CAP_BPF', 'CAP_PERFMON'], 'changing which sockets get traffic')
    const lock = await takeLock(this.#paths.run, 'lock', this.#waitMs)
    try {
      prepareDispatchFolder(this.#paths)
      return await work()
    } finally {
      lock.release()
    }
  }
}
