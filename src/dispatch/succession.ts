import { readConsistently } from '../entry/consistent.ts'
import { SeawallError } from '../entry/errors.ts'
import type { DesiredSuccession } from './desired.ts'
import type { Telling } from './directory.ts'
import { Dispatch } from './dispatch.ts'
import { generationStatus, type ListedGeneration, listGenerations } from './generation-status.ts'
import type { KeeperOptions } from './keeper-options.ts'
import { ListenQueues } from './listen-queues.ts'
import { LiveDispatch } from './live.ts'
import { type Candidate, Readiness } from './readiness.ts'

/** Milliseconds between two counts of what generations have to end. */
const COUNT_EVERY_MS = 1_000

/** Sends a text to a process that has registered its sockets by a connection; false when that has ended. */
export type Tell = (text: string) => boolean

/**
 * Has the runs of servers follow each other: a generation is promoted when it is ready, and the processes of the one before are told that they
 * get nothing new, and later that they may end. All that matters is in the kernel, so another agent goes on where this one ends.
 */
export class Successions {
  readonly #options: KeeperOptions
  readonly #dispatch: Dispatch
  readonly #readiness: Readiness
  readonly #queues: ListenQueues
  /** Connections of processes that want to be told, by generation. */
  readonly #listeners = new Map<string, Tell[]>()
  /** Why generations wait, as it was logged. */
  readonly #reasons = new Map<string, string>()
  #countedAt = -Infinity

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#dispatch = new Dispatch(options.paths, options)
    this.#readiness = new Readiness(options.paths.netns)
    this.#queues = new ListenQueues(options.paths.netns)
  }

  close(): void {
    this.#readiness.close()
  }

  /** Notes that a process has said that it is ready. */
  hear(pid: number): void {
    this.#readiness.hear(pid)
  }

  /** Has a process be told when its generation gets nothing new any more: `DRAIN`. */
  listen(label: string, number: number, tell: Tell): void {
    const key = `${label} ${number}`
    this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), tell])
  }

  /** Does what is to be done now. */
  async look(desired: readonly DesiredSuccession[]): Promise<void> {
    const there = this.#list()
    this.#readiness.keepOnly(there.filter(({ state }) => state === 'waits').map(candidateOf))
    this.#forget(there)
    const ended = this.#endedNow()
    for (const one of desired) {
      const own = there.filter(({ label }) => label === one.label)
      const newest = own.findLast(({ state }) => state === 'waits')
      if (newest !== undefined) await this.#promote(newest, one)
      for (const old of own.filter(({ state }) => state === 'drains')) await this.#retire(old, one, ended)
    }
  }

  #list(): ListedGeneration[] {
    const { paths } = this.#options
    return readConsistently(
      () => LiveDispatch.version(paths),
      () => {
        using live = LiveDispatch.find(paths)
        return live === undefined ? [] : listGenerations(live)
      },
    )
  }

  #forget(there: readonly ListedGeneration[]): void {
    const keys = new Set(there.map(keyOf))
    for (const map of [this.#listeners, this.#reasons])
      for (const key of map.keys()) if (!keys.has(key)) map.delete(key)
  }

  async #promote(one: ListedGeneration, { ready }: DesiredSuccession): Promise<void> {
    const { label, number, processes } = one
    const reason = this.#readiness.reasonToWait(candidateOf(one), ready) ?? (await this.#tryToPromote(one))
    if (reason === undefined) {
      this.#log('generation-promoted', `${label}: generation ${number} of ${processText(processes)} works`)
    } else if (this.#reasons.get(keyOf(one)) !== reason) {
      this.#reasons.set(keyOf(one), reason)
      this.#log('generation-waits', `${label}: generation ${number} of ${processText(processes)} waits: ${reason}`)
    }
  }

  /** Undefined if it works now; else why not: its sockets may not all be there. */
  async #tryToPromote({ label, number }: ListedGeneration): Promise<string | undefined> {
    try {
      await this.#dispatch.promote(label, number)
      return undefined
    } catch (error) {
      if (error instanceof SeawallError && error.code === 'SEAWALL_INPUT') return error.message
      throw error
    }
  }

  async #retire(
    old: ListedGeneration,
    desired: DesiredSuccession,
    ended: () => Promise<ReadonlySet<string>>,
  ): Promise<void> {
    const { told = [], replaced = old.since } = old.generation
    if (!told.includes('drain')) {
      if (this.#queues.areEmpty(old, replaced)) await this.#tell(old, 'drain', desired.drain)
      return
    }
    for (const tell of this.#listeners.get(keyOf(old)) ?? []) tell('DRAIN')
    this.#listeners.delete(keyOf(old))
    if (desired.stop === undefined || told.includes('stop')) return
    const isLate = desired.limitMs !== undefined && Date.now() - replaced >= desired.limitMs
    if (isLate || (await ended()).has(keyOf(old))) await this.#tell(old, 'stop', desired.stop)
  }

  /** Which generations have nothing to end, for one look: all are counted at once, as that goes through all connections and flows. */
  #endedNow(): () => Promise<ReadonlySet<string>> {
    const isDue = performance.now() - this.#countedAt >= COUNT_EVERY_MS
    let counted: Promise<ReadonlySet<string>> | undefined
    return () => {
      counted ??= isDue ? this.#countEnded() : Promise.resolve(new Set<string>())
      return counted
    }
  }

  async #countEnded(): Promise<ReadonlySet<string>> {
    this.#countedAt = performance.now()
    using live = LiveDispatch.require(this.#options.paths)
    const all = await generationStatus(this.#options.paths, live)
    return new Set(all.filter(({ connections, flows }) => connections + flows === 0).map(keyOf))
  }

  /** It is written down first: a second signal may mean another thing to a server. */
  async #tell(old: ListedGeneration, telling: Telling, signal: NodeJS.Signals | undefined): Promise<void> {
    const { label, number, processes } = old
    if (!(await this.#dispatch.tellOnce(label, number, telling))) return
    if (signal !== undefined) for (const pid of processes) kill(pid, signal)
    const what = { drain: 'gets nothing new any more', stop: 'may end' }[telling]
    const sent = signal === undefined ? '' : `: ${signal} to ${processText(processes)}`
    this.#log(`generation-${telling}`, `${label}: generation ${number} ${what}${sent}`)
  }

  #log(event: string, message: string): void {
    this.#options.log({ level: 'info', event, message })
  }
}

const keyOf = ({ label, number }: { readonly label: string; readonly number: number }): string => `${label} ${number}`

const candidateOf = ({ label, number, processes, sockets }: ListedGeneration): Candidate => {
  return { label, number, pids: processes, sockets }
}

const processText = (pids: readonly number[]): string =>
  pids.length === 0 ? 'no process' : `process ${pids.join(', ')}`

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
