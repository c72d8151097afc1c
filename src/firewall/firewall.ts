import { join } from 'node:path'
import type { BpfMap } from '../bpf/index.ts'
import { readConsistently } from '../entry/consistent.ts'
import { SeawallError } from '../entry/errors.ts'
import { Handles } from '../entry/handles.ts'
import { detach, findNewInterfaces, interfaceStatus, type LostInterface, lostInterfaces } from '../entry/interfaces.ts'
import { liveVersion } from '../entry/live-generation.ts'
import { takeLock } from '../entry/lock.ts'
import { openMap } from '../entry/open.ts'
import type { Part } from '../entry/part.ts'
import type { Paths } from '../entry/paths.ts'
import {
  createPending,
  milliseconds,
  now,
  openPending,
  readPending,
  removePending,
  writeDeadline,
} from '../entry/pending.ts'
import { generationFolder, hasGeneration, listLinks, prepareFolder, removePins } from '../entry/pins.ts'
import { preflight } from '../entry/preflight.ts'
import { createRoot, openRoot } from '../entry/root.ts'
import type { Step } from '../entry/step.ts'
import { type BuildRequest, partFolder } from './build.ts'
import { type CaptureRequest, captureRule } from './capture.ts'
import { CaptureReader } from './capture-reader.ts'
import { readCounters } from './counters.ts'
import type { Desired } from './desired.ts'
import { type DropRequest, dynamicRule, dynamicRules, findDynamic, rulesOver, toRule } from './dynamic.ts'
import type { SetChangeRecord } from './journal.ts'
import { withLease } from './lease.ts'
import { type Live, readLive, readManifest, requireLive } from './live.ts'
import type { Manifest } from './manifest.ts'
import { type Draft, draftPlan } from './plan.ts'
import { probe } from './probe.ts'
import { Samples } from './samples.ts'
import { SetCache } from './set-cache.ts'
import { changeSet, findSet, readAddress, readPrefix } from './set-update.ts'
import { grownSet, keptSets, openSets, type SetInput } from './sets.ts'
import { entryId, firewallStatus, pendingConfirm, ruleStatus, setStatus } from './status.ts'
import { restoreSysctls, type Sysctls } from './syn-cookies/sysctls.ts'
import { cleanUp, commit, finishLinks, finishSysctls } from './transaction.ts'
import type {
  ApplyResult,
  CountersReport,
  FirewallStatus,
  Plan,
  ProbeReport,
  RuleStatus,
  Sample,
  SetStatus,
} from './types.ts'
import { interfaceWarnings } from './warnings.ts'

export interface ApplyRequest {
  readonly desired: Desired
  readonly digest: string
  /** Milliseconds, counted from when it is in force, after which it is due to be rolled back unless it is confirmed. */
  readonly confirmWithinMs?: number
  /** Keep the generation that a roll back goes to, and what waits for its confirmation: only files of sets have changed. */
  readonly minor?: boolean
  /** What comes behind the rules by this configuration, of each kind of part that there is. */
  readonly parts?: readonly Part[]
}

export interface FirewallOptions {
  /** Milliseconds to wait for another writer before giving up; default none. */
  readonly waitMs?: number
  /** Called between the steps of a transaction, see transaction.ts. */
  readonly step?: Step
  /** Keeps what comes behind the rules when something else changes. */
  readonly parts?: readonly Part[]
}

/**
 * The firewall of this machine. All of its state is in the kernel, so any number of these can be there; what changes something
 * takes the lock, what reads does not.
 */
export class Firewall {
  readonly #paths: Paths
  readonly #waitMs: number
  readonly #step: Step
  readonly #parts: readonly Part[]
  readonly #sets = new SetCache()
  #samples: Samples | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(paths: Paths, options: FirewallOptions = {}) {
    this.#paths = paths
    this.#waitMs = options.waitMs ?? 0
    this.#step = options.step ?? (() => undefined)
    this.#parts = options.parts ?? []
  }

  /** What an apply would do. Compiles, but loads and changes nothing. */
  async plan({ desired, parts = [] }: Pick<ApplyRequest, 'desired' | 'parts'>): Promise<Plan> {
    const live = readLive(this.#paths)
    findNewInterfaces(this.#paths, desired.interfaces, live?.manifest.interfaces)
    const { plan, measure } = await draft(live, desired, await openSets(desired.sets), parts)
    const warnings = [...plan.warnings, ...this.#interfaceWarnings(live, desired.interfaces)]
    return { ...plan, warnings, instructions: measure() }
  }

  /** Puts a configuration in force; dynamic rules stay. */
  apply(request: ApplyRequest): Promise<ApplyResult> {
    const started = performance.now()
    return this.#change(async () => {
      prepareFolder(this.#paths)
      const live = readLive(this.#paths)
      const { desired, parts = [] } = request
      const sets = await openSets(desired.sets)
      const { plan } = await draft(live, desired, sets, parts)
      const changed = live === undefined || !this.#isInForce(live, request, plan)
      const manifest = changed ? await this.#replace(request, live, { configured: desired.rules, sets }) : live.manifest
      const { generation, instructions } = manifest
      const tookMs = performance.now() - started
      const inForce = requireLive(this.#paths)
      const pending = pendingConfirm(inForce)
      const warnings = [...plan.warnings, ...this.#interfaceWarnings(inForce, desired.interfaces)]
      return {
        generation,
        plan: { ...plan, warnings, instructions },
        changed,
        ...(pending === undefined ? {} : { pending }),
        tookMs,
      }
    })
  }

  /** Keeps what was applied with a time to confirm it in. */
  confirm(): Promise<{ generation: number }> {
    return this.#change(async () => {
      const live = requireLive(this.#paths)
      if (removePending(live.folder)) return { generation: live.manifest.generation }
      throw new SeawallError(
        'SEAWALL_NOTHING_TO_CONFIRM',
        'Cannot confirm: nothing waits for it (it was confirmed, rolled back, or applied without --confirm)',
      )
    })
  }

  /** When what is in force is due to be rolled back, CLOCK_MONOTONIC nanoseconds; undefined if it is not. */
  confirmDue(): bigint | undefined {
    const live = readLive(this.#paths)
    return live === undefined ? undefined : readPending(live.folder)
  }

  /**
   * Goes back to the generation before, keeping dynamic rules. If that was nothing, everything is removed.
   *
   * @param due only if a confirmation is overdue by then, CLOCK_MONOTONIC nanoseconds: somebody may have confirmed meanwhile
   * @returns undefined if it was not due any more
   */
  rollback(due?: bigint): Promise<{ generation?: number } | undefined> {
    return this.#change(async () => {
      const live = requireLive(this.#paths)
      const deadline = readPending(live.folder)
      if (due !== undefined && (deadline === undefined || deadline > due)) return undefined
      const { previous } = live.manifest
      if (previous === undefined && deadline !== undefined) {
        await this.#removeWithParts()
        return {}
      }
      if (previous === undefined || !hasGeneration(this.#paths, previous)) throw noPrevious(live)
      const { generation } = await this.#rollBackTo(live, previous)
      return { generation }
    })
  }

  /**
   * Interfaces that were attached and are not any more; {@link reconcile} attaches those that are there.
   *
   * @param also names that were lost before, and may be lost still
   */
  lostInterfaces(also: readonly string[] = []): LostInterface[] {
    return lostInterfaces(this.#paths, also)
  }

  /** Detaches and removes everything, whatever version made it. */
  down(): Promise<void> {
    return this.#change(() => this.#removeWithParts())
  }

  /** Finishes what a writer that died left undone: attaches, detaches and removes what the live generation asks for. */
  reconcile(): Promise<void> {
    return this.#change(async () => {
      const live = requireLive(this.#paths)
      const root = openRoot(this.#paths)
      try {
        finishLinks(this.#paths, root.entry, live.manifest.interfaces)
        finishSysctls(this.#paths, live.manifest)
      } finally {
        root.close()
      }
      for (const part of this.#parts) {
        const folder = partFolder(live, part.name)
        if (folder !== undefined) await part.finish?.(folder)
      }
      cleanUp(this.#paths, live.manifest, this.#step)
    })
  }

  /** Drops what an expression matches, before all configured rules. */
  drop(request: DropRequest): Promise<RuleStatus> {
    return this.#change(async () => {
      const live = requireLive(this.#paths)
      const rule = dynamicRule(request, live.manifest)
      await this.#rebuild(live, { dynamic: [rule, ...dynamicRules(live)] })
      return this.rules().find((one) => one.id === rule.id)!
    })
  }

  /**
   * Begins to copy packets to a ring of their own, before and whatever the rules decide. Its reader, {@link openCapture}, keeps it
   * alive; {@link undo} ends it.
   */
  capture(request: CaptureRequest): Promise<RuleStatus> {
    return this.#change(async () => {
      const live = requireLive(this.#paths)
      const rule = captureRule(request, live.manifest)
      await this.#rebuild(live, { dynamic: [rule, ...dynamicRules(live)] })
      withLease(requireLive(this.#paths).folder, rule.id, (lease) => lease.renew())
      return this.rules().find((one) => one.id === rule.id)!
    })
  }

  /** Reads what a capture copies. */
  openCapture(id: string): CaptureReader {
    return CaptureReader.open(this.#paths, id)
  }

  /** Takes back a rule made by {@link drop} or {@link capture}. */
  undo(id: string): Promise<RuleStatus> {
    return this.#change(async () => {
      const live = requireLive(this.#paths)
      findDynamic(live.manifest, id)
      const before = ruleStatus(live).find((rule) => rule.id === id)!
      await this.#rebuild(live, { dynamic: dynamicRules(live).filter((rule) => rule.id !== id) })
      return before
    })
  }

  /** Removes rules whose time is over, which the data path ignores already. Returns how many there were. */
  collectExpired(): Promise<number> {
    return this.#change(async () => {
      const live = readLive(this.#paths)
      const over = live === undefined ? 0 : rulesOver(live).length
      if (live !== undefined && over > 0) await this.#rebuild(live, {})
      return over
    })
  }

  /** Adds one prefix to a set or deletes one, in place. False if the set was like that already. */
  changeSet(name: string, op: 'add' | 'delete', text: string): Promise<boolean> {
    return this.#change(async () => {
      const change: SetChangeRecord = { op, prefix: readPrefix(text) }
      const live = requireLive(this.#paths)
      const set = findSet(live, name)
      const update = changeSet(this.#sets.openForChange(live, set), change)
      if (update !== 'full') return update === 'changed'
      const sets = keptSets(live).map((kept) => (kept.name === name ? grownSet(live, set, change) : kept))
      await this.#rebuild(live, { sets })
      return true
    })
  }

  /** @throws SeawallError SEAWALL_NOT_UP if nothing is in force, as all below */
  status(): FirewallStatus {
    return this.#read((live) => firewallStatus(this.#paths, live))
  }

  /** Whether anything is in force. */
  isUp(): boolean {
    return readConsistently(
      () => liveVersion(this.#paths),
      () => readLive(this.#paths) !== undefined,
    )
  }

  rules(): RuleStatus[] {
    return this.#read(ruleStatus)
  }

  sets(): SetStatus[] {
    return this.#read(setStatus)
  }

  /** Whether a set holds each address. */
  contains(name: string, addresses: readonly string[]): boolean[] {
    const set = this.#read((live) => this.#sets.open(live, findSet(live, name)).contents())
    return addresses.map((address) => set.includes(readAddress(address)))
  }

  counters(): CountersReport {
    return this.#read(({ folder, manifest }) => {
      const handles = new Handles()
      try {
        const open = (pin: string) => handles.keep(openMap(pin))
        const maps = {
          counters: open(join(folder, 'counters')),
          received: open(join(this.#paths.bpf, 'received')),
          cookies: open(join(folder, 'cookies')),
        }
        return readCounters(maps, manifest)
      } finally {
        handles.close()
      }
    })
  }

  /** Test runs of the live program, which leave its counters alone. */
  probe(packets: readonly Uint8Array[]): Promise<ProbeReport> {
    return probe(requireLive(this.#paths), packets)
  }

  /** Packets that rules or the data path copied, as they come, until the signal is given. */
  async *samples(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Sample, void> {
    const live = requireLive(this.#paths)
    if (this.#samples === undefined || this.#samples.isClosed) {
      this.#samples = new Samples(live, () => readLive(this.#paths))
    }
    yield* this.#samples.read(options.signal)
  }

  /** Closes what is kept open between calls; it can be used again. */
  close(): void {
    this.#sets.close()
  }

  #read<T>(read: (live: Live) => T): T {
    return readConsistently(
      () => liveVersion(this.#paths),
      () => read(requireLive(this.#paths)),
    )
  }

  /** One change at a time: in this process by a queue, among processes by the lock. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(async () => {
      preflight()
      const lock = await takeLock(this.#paths.run, 'lock', this.#waitMs)
      try {
        return await work()
      } finally {
        lock.release()
      }
    })
    this.#queue = run.catch(() => undefined)
    return run
  }

  #interfaceWarnings(live: Live | undefined, wanted: Desired['interfaces']): string[] {
    const entry = live === undefined ? 0 : entryId(this.#paths)
    return interfaceWarnings(interfaceStatus(this.#paths, entry, wanted))
  }

  /** Nothing would change, no interface is missing, nothing has to be confirmed or collected. */
  #isInForce(live: Live, request: ApplyRequest, plan: Pick<Plan, 'changes'>): boolean {
    if (plan.changes.length > 0 || request.confirmWithinMs !== undefined) return false
    if (request.minor !== true && readPending(live.folder) !== undefined) return false
    const interfaces = interfaceStatus(this.#paths, entryId(this.#paths), live.manifest.interfaces)
    return (
      live.manifest.digest === request.digest && rulesOver(live).length === 0 && interfaces.every((one) => one.attached)
    )
  }

  /** Builds a generation of a new configuration and puts it in force. */
  async #replace(
    request: ApplyRequest,
    live: Live | undefined,
    parts: Pick<BuildRequest, 'configured' | 'sets'>,
  ): Promise<Manifest> {
    const pending = pendingFor(request, live)
    try {
      const manifest = await this.#commit({
        ...parts,
        malformed: request.desired.malformed,
        synCookies: request.desired.synCookies,
        interfaces: request.desired.interfaces,
        parts: request.parts ?? [],
        digest: request.digest,
        dynamic: dynamicRules(live),
        live,
        source: live,
        previous: previousOf(live, request.minor === true),
        pending,
      })
      // The time to look at it begins now that it is in force. Whoever dies before this leaves a deadline that is earlier.
      if (request.confirmWithinMs !== undefined) writeDeadline(pending!, deadlineOf(request.confirmWithinMs))
      return manifest
    } finally {
      pending?.close()
    }
  }

  /** The generation in force but for some parts; what can be rolled back to, and what waits for its confirmation, stay. */
  async #rebuild(live: Live, parts: Partial<Pick<BuildRequest, 'dynamic' | 'sets'>>): Promise<Manifest> {
    const pending = openPending(live.folder)
    try {
      return await this.#commit({
        ...contentsOf(live, live),
        ...parts,
        parts: this.#parts,
        live,
        source: live,
        previous: live.manifest.previous,
        pending,
      })
    } finally {
      pending?.close()
    }
  }

  #rollBackTo(live: Live, generation: number): Promise<Manifest> {
    const folder = generationFolder(this.#paths, generation)
    const source: Live = { folder, manifest: readManifest(folder), program: live.program }
    return this.#commit({
      ...contentsOf(source, live),
      parts: this.#parts,
      live,
      source,
      previous: live.manifest.generation,
      pending: undefined,
    })
  }

  async #commit(request: BuildRequest): Promise<Manifest> {
    if (request.live === undefined) this.#removeAll()
    if (request.live === undefined) prepareFolder(this.#paths)
    try {
      const root = request.live === undefined ? await createRoot(this.#paths, this.#step) : openRoot(this.#paths)
      try {
        return await commit(this.#paths, root, request, this.#step)
      } finally {
        root.close()
      }
    } catch (error) {
      if (request.live === undefined) this.#removeAll()
      throw error
    }
  }

  /** What is known of them: state of another version is removed without being read. */
  #sysctlsBefore(): Sysctls {
    try {
      const manifest = readLive(this.#paths)?.manifest
      return manifest?.synCookies?.before ?? manifest?.restore ?? {}
    } catch (error) {
      if (error instanceof SeawallError && error.code === 'SEAWALL_STATE_VERSION') return {}
      throw error
    }
  }

  async #removeWithParts(): Promise<void> {
    this.#removeAll()
    for (const part of this.#parts) await part.withdraw?.()
  }

  #removeAll(): void {
    this.#sets.close()
    restoreSysctls(this.#paths, this.#sysctlsBefore())
    for (const name of listLinks(this.#paths)) detach(this.#paths, name)
    removePins(this.#paths.bpf)
  }
}

/** What would change of the firewall and of what comes behind it. */
async function draft(
  live: Live | undefined,
  desired: Desired,
  sets: readonly SetInput[],
  parts: readonly Part[],
): Promise<Draft> {
  const inPath = parts.filter((part) => part.inPath && part.isWanted({ live: undefined, source: undefined }))
  const wanted = inPath.map(({ name }) => name)
  const { plan, measure } = await draftPlan(live, desired, { sets, parts: wanted })
  const changes = [...plan.changes]
  for (const part of parts) changes.push(...(await part.changes(partFolder(live, part.name))))
  const warnings = [...plan.warnings, ...parts.flatMap((part) => part.warnings())]
  return { plan: { ...plan, changes, warnings }, measure }
}

/** What a generation holds, with the dynamic rules of the live one. */
function contentsOf(
  from: Live,
  live: Live,
): Pick<BuildRequest, 'malformed' | 'synCookies' | 'interfaces' | 'digest' | 'configured' | 'dynamic' | 'sets'> {
  const { malformed, synCookies, interfaces, digest, rules } = from.manifest
  return {
    malformed,
    synCookies,
    interfaces,
    digest,
    configured: rules.filter((rule) => !rule.dynamic).map(toRule),
    dynamic: dynamicRules(live),
    sets: keptSets(from),
  }
}

/** What one can go back to: never something that waits for its confirmation itself. */
function previousOf(live: Live | undefined, minor: boolean): number | undefined {
  if (live === undefined) return undefined
  return minor || readPending(live.folder) !== undefined ? live.manifest.previous : live.manifest.generation
}

function pendingFor(request: ApplyRequest, live: Live | undefined): BpfMap | undefined {
  if (request.confirmWithinMs !== undefined) return createPending(deadlineOf(request.confirmWithinMs))
  return request.minor === true && live !== undefined ? openPending(live.folder) : undefined
}

const deadlineOf = (withinMs: number): bigint => now() + milliseconds(withinMs)

function noPrevious(live: Live): SeawallError {
  return new SeawallError(
    'SEAWALL_NO_PREVIOUS',
    `Cannot roll back: generation ${live.manifest.generation} has none before it (apply another configuration, or seawall down)`,
  )
}
