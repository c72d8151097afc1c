import { setTimeout as sleep } from 'node:timers/promises'
import { SeawallError } from '../../entry/errors.ts'
import { takeLock } from '../../entry/lock.ts'
import type { Paths } from '../../entry/paths.ts'
import { requireCapabilities } from '../../linux/capabilities.ts'
import type { PrefixSet } from '../../rules/sets/index.ts'
import type { Desired } from '../desired.ts'
import { type Changes, changesFrom, describeChanges, isNothing } from './changes.ts'
import { IptablesError } from './errors.ts'
import { TABLE } from './family.ts'
import { type Present, readPresent } from './present.ts'
import { PinnedPrograms, programsFolder } from './programs.ts'
import { restoreText } from './restore.ts'
import { statusOf } from './status.ts'
import { Tools, type Variant } from './tools.ts'
import { transact } from './transact.ts'
import { type Translation, translate } from './translate.ts'
import type { IptablesPlan, IptablesResult, IptablesStatus } from './types.ts'

export interface IptablesOptions {
  /** Which iptables; the system's own choice by default. */
  readonly variant?: Variant | undefined
  /** Seconds to wait for the xtables lock, 5 by default. */
  readonly waitSeconds?: number
}

/** What the rules shall be, with the contents of their sets. */
export interface IptablesInput {
  readonly desired: Desired
  readonly sets: ReadonlyMap<string, PrefixSet>
}

/** How long ipsets may stay in use after the last rule that names them is gone: nf_tables frees rules a little later. */
const RELEASE_MS = 2_000

/** The firewall of hosts where XDP is not to be used: the same rules, in a chain of iptables and ip6tables. */
export class Iptables {
  readonly #paths: Paths
  readonly #tools: Tools
  readonly #programs: PinnedPrograms

  constructor(paths: Paths, { variant, waitSeconds = 5 }: IptablesOptions = {}) {
    this.#paths = paths
    this.#tools = new Tools({ netns: paths.netns, variant, waitSeconds })
    this.#programs = new PinnedPrograms(programsFolder(paths))
  }

  /** What {@link apply} would do, or {@link undo} without an input. */
  async plan(input?: IptablesInput): Promise<IptablesPlan> {
    const translation = input === undefined ? undefined : this.#translate(input)
    const present = await this.#present()
    return this.#plan(present, translation, changesFrom(present, translation))
  }

  /**
   * Puts the rules into force, all of them or nothing.
   *
   * @throws IptablesError, and SeawallError SEAWALL_LOCKED, SEAWALL_PERMISSION, SEAWALL_BPFFS
   */
  async apply(input: IptablesInput): Promise<IptablesResult> {
    return this.#change(this.#translate(input))
  }

  /** Takes everything out again: chain, jumps, ipsets and programs. */
  undo(): Promise<IptablesResult> {
    return this.#change(undefined)
  }

  /** @throws SeawallError SEAWALL_NOT_UP when there is no chain */
  async status(): Promise<IptablesStatus> {
    const present = await this.#present()
    const status = statusOf(await this.#tools.variant(), present.chains)
    if (status !== undefined) return status
    throw new SeawallError(
      'SEAWALL_NOT_UP',
      'Cannot show the rules of iptables: there are none (seawall iptables apply)',
    )
  }

  #translate({ desired, sets }: IptablesInput): Translation {
    const { malformed, rules } = desired
    const interfaces = desired.interfaces.map(({ name }) => name)
    return translate({ interfaces, malformed, rules, sets, pins: this.#programs.folder })
  }

  #present(): Promise<Present> {
    requireRights()
    return readPresent(this.#tools, this.#programs, this.#paths.netns)
  }

  async #change(translation: Translation | undefined): Promise<IptablesResult> {
    requireRights()
    const lock = await takeLock(this.#paths.run, 'lock', 1_000)
    try {
      const present = await this.#present()
      const changes = changesFrom(present, translation)
      const plan = await this.#plan(present, translation, changes)
      if (isNothing(changes)) return { plan, changed: false }
      await this.#make(changes)
      const left = await this.#sweep(changes.oldSets, changes.oldPrograms)
      return { plan: { ...plan, warnings: [...plan.warnings, ...left] }, changed: true }
    } finally {
      lock.release()
    }
  }

  /** Sets and programs lie there unused until rules name them, and go again if the rules cannot be made. */
  async #make({ newSets, newPrograms, steps }: Changes): Promise<void> {
    try {
      for (const program of newPrograms) await this.#programs.add(program)
      for (const set of newSets) await this.#tools.makeSet(set)
      await transact(this.#tools, steps)
    } catch (error) {
      // After a failed way back, rules may still name them.
      const halfDone = error instanceof IptablesError && error.code === 'IPTABLES_NOT_PUT_BACK'
      if (!halfDone) await this.#discard({ newSets, newPrograms })
      throw error
    }
  }

  async #discard({ newSets, newPrograms }: Pick<Changes, 'newSets' | 'newPrograms'>): Promise<void> {
    const sets = await this.#tools.listSets().catch((): string[] => [])
    const programs = this.#programs.list()
    await this.#sweep(
      newSets.map(({ name }) => name).filter((name) => sets.includes(name)),
      newPrograms.map(({ name }) => name).filter((name) => programs.includes(name)),
    )
  }

  /** Removes what no rule names any more; returns what to say about sets that cannot go. */
  async #sweep(sets: readonly string[], programs: readonly string[]): Promise<string[]> {
    for (const name of programs) this.#programs.remove(name)
    this.#programs.tidy()
    const until = performance.now() + RELEASE_MS
    const left: string[] = []
    for (const name of sets) if (!(await this.#destroy(name, until))) left.push(name)
    return left.map((name) => `ipset ${name} stays: a rule that is not Seawall's uses it (remove that rule)`)
  }

  /** False if the set is in use until the end. */
  async #destroy(name: string, until: number): Promise<boolean> {
    for (;;) {
      try {
        await this.#tools.destroySet(name)
        return true
      } catch (error) {
        if (!(error instanceof IptablesError) || !/in use by a kernel component/.test(error.message)) throw error
        if (performance.now() > until) return false
        await sleep(50)
      }
    }
  }

  async #plan(present: Present, translation: Translation | undefined, changes: Changes): Promise<IptablesPlan> {
    const variant = await this.#tools.variant()
    return {
      variant,
      table: TABLE,
      fresh: statusOf(variant, present.chains) === undefined,
      changes: describeChanges(changes),
      commits: changes.steps.map(({ family, from, to }) => ({
        family,
        text: restoreText(from, to),
      })),
      warnings: translation?.warnings ?? [],
    }
  }
}

/** @throws LinuxError PRIVILEGE_MISSING */
const requireRights = (): void =>
  requireCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], 'reading and changing iptables')
