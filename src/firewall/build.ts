import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, Program } from '../bpf/index.ts'
import { add, readSlot, zero } from '../entry/count.ts'
import { SeawallError } from '../entry/errors.ts'
import { Handles } from '../entry/handles.ts'
import type { DesiredInterface } from '../entry/interface-config.ts'
import { createMemory } from '../entry/memory.ts'
import { openLink, openMap } from '../entry/open.ts'
import type { BuiltPart, Part } from '../entry/part.ts'
import type { Paths } from '../entry/paths.ts'
import { PENDING } from '../entry/pending.ts'
import { generationFolder, listGenerations, makeStaging, removePins, writing } from '../entry/pins.ts'
import type { Step } from '../entry/step.ts'
import { u32 } from '../entry/u32.ts'
import { VERSION } from '../entry/version.ts'
import { Stage } from '../generated/syncookies.ts'
import type { Capture, Rule } from '../rules/ast.ts'
import { type Compiled, connectionLengths, type MapNeed } from '../rules/compile/index.ts'
import { formatRuleBody } from '../rules/print.ts'
import { calibrateClock } from './clock.ts'
import { type CompileInput, compileCopiesOf, compileGeneration, NEXT_STAGE } from './compile-generation.ts'
import { countConnections } from './connections.ts'
import { malformedTotal, splitMalformed } from './counters.ts'
import { JOURNAL_BYTES } from './journal.ts'
import { COUNTER_SIZE, LAYOUT, SLOTS } from './layout.ts'
import type { Live } from './live.ts'
import { encodeManifest, type Manifest, type ManifestRule, type ManifestSet } from './manifest.ts'
import { createCookieCounters, createNeeded, pinOf } from './maps.ts'
import { sourceBytes, writeSource } from './set-source.ts'
import type { SetInput } from './sets.ts'
import { kindOf, planSlots, type SlotPlan, verdictOf } from './slots.ts'
import type { SynCookies } from './syn-cookies/config.ts'
import { loadStage } from './syn-cookies/stage.ts'
import { readSysctls } from './syn-cookies/sysctls.ts'

/** What a generation shall be. */
export interface BuildRequest {
  readonly malformed: 'drop' | 'pass'
  readonly synCookies: SynCookies | undefined
  readonly interfaces: readonly DesiredInterface[]
  readonly digest: string
  readonly configured: readonly Rule[]
  readonly dynamic: readonly Rule[]
  readonly sets: readonly SetInput[]
  /** The generation in force. */
  readonly live: Live | undefined
  /** The generation whose maps are used again where they fit: the live one, or the one to roll back to. */
  readonly source: Live | undefined
  /** What comes behind the rules, all parts that there can be. */
  readonly parts: readonly Part[]
  /** Generation that a roll back goes to. */
  readonly previous: number | undefined
  /** A map that tells when the generation is rolled back, see pending.ts. */
  readonly pending: BpfMap | undefined
}

/** A whole generation, pinned out of sight. */
export interface Built {
  readonly manifest: Manifest
  readonly program: Program
  /** Makes it a generation; nothing goes through it yet. */
  publish(): string
  /** Puts into force what parts have beside the packets' path, when all else is. */
  partsComeIntoForce(): void
  /** Removes what was not published. */
  discard(): void
  close(): void
}

/** Compiles, loads and pins a generation aside. What is there already and still fits is used again. */
export async function build(paths: Paths, request: BuildRequest, step: Step): Promise<Built> {
  const handles = new Handles()
  const staging = makeStaging(paths)
  try {
    const builder = new Builder(paths, staging, request, handles)
    const built = await builder.run(step)
    return { ...built, discard: () => removePins(staging), close: () => handles.close() }
  } catch (error) {
    handles.close()
    removePins(staging)
    throw error
  }
}

/** Makes one generation. */
class Builder {
  readonly #paths: Paths
  readonly #staging: string
  readonly #request: BuildRequest
  readonly #handles: Handles
  readonly #generation: number
  readonly #rules: readonly Rule[]

  constructor(paths: Paths, staging: string, request: BuildRequest, handles: Handles) {
    this.#paths = paths
    this.#staging = staging
    this.#request = request
    this.#handles = handles
    this.#generation = (listGenerations(paths).at(-1) ?? 0) + 1
    this.#rules = [...request.dynamic, ...request.configured]
  }

  async run(step: Step): Promise<Omit<Built, 'discard' | 'close'>> {
    const { live, previous } = this.#request
    const kinds = this.#rules.map((rule) => ({ id: rule.id, kind: rule.action.kind }))
    const slots = planSlots(kinds, live?.manifest, { generation: this.#generation, previous })
    const sets: ManifestSet[] = []
    for (const input of this.#request.sets) sets.push(await this.#set(input))
    step('sets')
    const secret = live?.manifest.secret ?? randomBytes(8).toString('hex')
    const clock = await calibrateClock()
    const { malformed, synCookies } = this.#request
    const { slotOf } = slots
    const built = await this.#parts()
    step('parts')
    const parts = built.map(({ name }) => name)
    const inPath = built.filter(({ built: { stage } }) => stage !== undefined).map(({ name }) => name)
    const input = { rules: this.#rules, malformed, synCookies, parts: inPath, sets, slotOf, clock, secret }
    const compiled = compileGeneration(input)
    const fds = this.#maps(compiled, slots)
    this.#chain(built, await this.#synCookies(input, fds))
    await this.#countConnections(compiled, secret)
    step('maps')
    const program = await this.#load('firewall', compiled, fds)
    step('loaded')
    const manifest = this.#manifest(slots, sets, { secret, clock, parts, instructions: compiled.slots.length })
    this.#pinRest(program, manifest)
    step('pinned')
    const partsComeIntoForce = (): void => {
      for (const part of built) part.built.comeIntoForce?.()
    }
    return { manifest, program, publish: () => this.#publish(), partsComeIntoForce }
  }

  /** A map of the generation before, pinned again beside the new ones; undefined if there is none. */
  #reuse(symbol: string, from = this.#request.source): BpfMap | undefined {
    const pin = from === undefined ? undefined : join(from.folder, pinOf(symbol))
    if (pin === undefined || !existsSync(pin)) return undefined
    return this.#pin(this.#handles.keep(openMap(pin)), symbol)
  }

  #pin(map: BpfMap, symbol: string): BpfMap {
    writing(`pin map "${symbol}"`, () => map.pin(join(this.#staging, pinOf(symbol))))
    return map
  }

  /** The set's maps: those in force if the input did not change, new ones otherwise. */
  async #set(input: SetInput): Promise<ManifestSet> {
    const before = this.#request.source?.manifest.sets.find((set) => set.name === input.name)
    if (before?.digest === input.digest && input.anew !== true && this.#reuseSet(input.name))
      return withFile(before, input)
    const { set, built } = await input.lay()
    const { geometry } = built
    built.write(this.#memory(`set:${input.name}`, geometry.bytes))
    writeSource(set, this.#memory(`source:${input.name}`, sourceBytes(set)))
    this.#memory(`changes:${input.name}`, JOURNAL_BYTES)
    return withFile(
      { name: input.name, digest: input.digest, prefixes: set.size, bytes: geometry.bytes, geometry },
      input,
    )
  }

  #reuseSet(name: string): boolean {
    return ['set', 'source', 'changes'].every((kind) => this.#reuse(`${kind}:${name}`) !== undefined)
  }

  #memory(symbol: string, bytes: number): Uint8Array {
    return this.#pin(this.#handles.keep(createMemory(symbol, bytes)), symbol).mmap()
  }

  /** File descriptors of all maps of the program. */
  #maps(compiled: Compiled, slots: SlotPlan): Map<string, number> {
    const fds = new Map<string, number>()
    for (const need of compiled.maps) fds.set(need.symbol, this.#map(need, compiled).fd)
    // These outlive every rule that uses them.
    for (const need of lasting) if (!fds.has(need.symbol)) this.#map(need, compiled)
    this.#clear(slots)
    return fds
  }

  /** Goes on in maps that are used again, and begins anew in others. */
  async #countConnections(compiled: Compiled, secret: string): Promise<void> {
    const { source } = this.#request
    for (const { symbol } of compiled.maps) {
      const lengths = connectionLengths(symbol)
      if (lengths === undefined) continue
      const pin = `${pinOf(symbol)}-link`
      const before = source === undefined ? undefined : join(source.folder, pin)
      const link = this.#handles.keep(
        before !== undefined && existsSync(before)
          ? openLink(before)
          : await countConnections(this.#paths.netns, this.#opened(symbol), lengths, BigInt(`0x${secret}`)),
      )
      writing(`pin "${pin}"`, () => link.pin(join(this.#staging, pin)))
    }
  }

  #map(need: MapNeed, compiled: Compiled): BpfMap {
    if (need.purpose === 'set') return this.#handles.keep(openMap(join(this.#staging, pinOf(need.symbol))))
    const capture = this.#captureOf(need)
    const reused = this.#keeps(need) ? this.#reuse(need.symbol, capture && this.#request.live) : undefined
    if (reused !== undefined) return reused
    const map = this.#handles.keep(createNeeded(need, capture?.ringBytes))
    if (need.purpose === 'tables') map.mmap().set(compiled.tables)
    return this.#pin(map, need.symbol)
  }

  /** The capture that a ring or a lease belongs to. Its reader has them open, so they stay, whatever is rolled back to. */
  #captureOf({ purpose, symbol }: MapNeed): Capture | undefined {
    if (purpose !== 'ring' && purpose !== 'lease') return undefined
    return this.#rules.find((rule) => symbol === `${purpose}:${rule.id}`)?.capture
  }

  /** Tables belong to one program. Cells are of use as long as their limit says the same. */
  #keeps(need: MapNeed): boolean {
    if (need.purpose === 'tables' || need.purpose === 'stages' || need.purpose === 'handovers') return false
    if (need.purpose !== 'cells') return true
    const id = need.symbol.slice(need.symbol.indexOf(':') + 1)
    const before = this.#request.source?.manifest.rules.find((rule) => rule.id === id)
    const now = this.#rules.find((rule) => rule.id === id)
    return before !== undefined && now !== undefined && limitOf(before.text) === limitOf(formatRuleBody(now))
  }

  /** Slots that are given out anew may hold counts of a rule long gone. */
  #clear(slots: SlotPlan): void {
    if (this.#request.live === undefined) return
    const counters = this.#opened('counters')
    const clocks = this.#opened('clocks').mmap()
    const empty = new Uint8Array(counters.getRaw(u32(0))!.length)
    for (const slot of slots.fresh) {
      counters.setRaw(u32(slot), empty)
      clocks.fill(0, slot * 8, slot * 8 + 8)
    }
  }

  async #parts(): Promise<NamedPart[]> {
    const { parts } = this.#request
    this.#refuseUnknown(parts)
    const built: NamedPart[] = []
    for (const part of parts) {
      const folders = {
        live: partFolder(this.#request.live, part.name),
        source: partFolder(this.#request.source, part.name),
      }
      if (!part.isWanted(folders)) continue
      const folder = join(this.#staging, part.name)
      writing(`make the folder "${folder}"`, () => mkdirSync(folder, { mode: 0o700 }))
      built.push({ name: part.name, built: this.#handles.keep(await part.build({ ...folders, folder })) })
    }
    return built
  }

  /** What this program has no code for must not vanish by a change of something else. */
  #refuseUnknown(parts: readonly Part[]): void {
    const unknown = this.#request.live?.manifest.parts.find((name) => !parts.some((part) => part.name === name))
    if (unknown === undefined) return
    throw new SeawallError(
      'SEAWALL_STATE_VERSION',
      `Cannot change generation ${this.#request.live!.manifest.generation}: it has a "${unknown}", which is not known here (use the agent or the seawall command)`,
    )
  }

  /** Packets that the rules let pass go through the parts, then to what answers SYNs. */
  #chain(parts: readonly NamedPart[], synCookies: Program | undefined): void {
    const stages = parts.flatMap(({ built: { stage } }) => stage ?? [])
    const behind = [...stages.map(({ program }) => program), ...(synCookies === undefined ? [] : [synCookies])]
    if (behind[0] !== undefined) this.#opened('stages').setRaw(u32(NEXT_STAGE), u32(behind[0].fd))
    for (const [index, stage] of stages.entries()) {
      const next = behind[index + 1]
      if (next !== undefined) stage.goOnWith(next)
    }
  }

  /** The stages that answer SYNs. Counters of cookies are there without them, too: what was counted before stays. */
  async #synCookies(input: CompileInput, fds: ReadonlyMap<string, number>): Promise<Program | undefined> {
    const cookies = this.#reuse('cookies') ?? this.#pin(this.#handles.keep(createCookieCounters()), 'cookies')
    const { synCookies, interfaces } = this.#request
    if (synCookies === undefined) return undefined
    const [destinations, closings] = [this.#reuse('destinations'), this.#reuse('closings')]
    const stages = this.#opened('stages')
    const copies = compileCopiesOf(input)
    const reuse = {
      cookies,
      stages,
      ...(destinations && { destinations }),
      ...(closings && { closings }),
      ...(copies && { handovers: this.#opened('handovers') }),
    }
    const request = {
      ...synCookies,
      interfaces,
      clock: input.clock,
      secret: BigInt(`0x${input.secret}`),
      copies: copies !== undefined,
      reuse,
    }
    const { maps, programs } = this.#handles.keep(await loadStage(this.#paths, request))
    if (destinations === undefined) this.#pin(maps.destinations.map, 'destinations')
    if (closings === undefined) this.#pin(maps.closings.map, 'closings')
    writing('pin the program that answers SYNs', () => programs.syncookies.pin(join(this.#staging, 'syncookies')))
    const put = (stage: Stage, { fd }: Program) => stages.setRaw(u32(stage), u32(fd))
    put(Stage.Answer, programs.answer)
    if (copies !== undefined) put(Stage.Copies, await this.#load('copies', copies, fds))
    return programs.syncookies
  }

  /** What to remember of kernel parameters: as they were before cookies, or that they are to be as they were. */
  #sysctls(live: Live | undefined): Pick<Manifest, 'synCookies' | 'restore'> {
    const { synCookies } = this.#request
    const before = live?.manifest.synCookies?.before
    if (synCookies === undefined) return before === undefined ? {} : { restore: before }
    return { synCookies: { rate: synCookies.rate, before: before ?? readSysctls(this.#paths) } }
  }

  #opened(symbol: string): BpfMap {
    return this.#handles.keep(openMap(join(this.#staging, pinOf(symbol))))
  }

  /** The attach type must be that of the entry program, or it cannot go on here. */
  async #load(name: string, compiled: Compiled, fds: ReadonlyMap<string, number>): Promise<Program> {
    const instructions = compiled.assemble((symbol) => fds.get(symbol)!)
    const definition = { type: 'xdp', name, license: 'Dual BSD/GPL', expectedAttachType: 'xdp' } as const
    return this.#handles.keep(await Program.load({ ...definition, instructions }))
  }

  #manifest(slots: SlotPlan, sets: readonly ManifestSet[], of: ProgramFacts): Manifest {
    const { live, previous, malformed, interfaces, digest, dynamic } = this.#request
    const isDynamic = new Set(dynamic.map((rule) => rule.id))
    return {
      layout: LAYOUT,
      version: VERSION,
      generation: this.#generation,
      ...(previous === undefined ? {} : { previous }),
      appliedAt: new Date().toISOString(),
      digest,
      malformed,
      interfaces,
      rules: this.#rules.map((rule) => manifestRule(rule, slots.slotOf.get(rule.id)!, isDynamic.has(rule.id))),
      sets,
      retired: slots.retired,
      ...this.#carried(live, slots),
      secret: of.secret,
      clock: { hz: of.clock.hz, jiffiesAtZero: String(of.clock.jiffiesAtZero) },
      instructions: of.instructions,
      parts: of.parts,
      ...this.#sysctls(live),
    }
  }

  /** Counts that have no rule any more. */
  #carried(live: Live | undefined, slots: SlotPlan): Pick<Manifest, 'folded' | 'malformedBefore'> {
    if (live === undefined) return { folded: { pass: zero, drop: zero }, malformedBefore: { pass: zero, drop: zero } }
    const counters = this.#opened('counters')
    const folded = { ...live.manifest.folded }
    for (const { kind, slot } of slots.fold) {
      const verdict = verdictOf(kind)
      if (verdict !== undefined) folded[verdict] = add(folded[verdict], readSlot(counters, slot))
    }
    const same = live.manifest.malformed === this.#request.malformed
    const before = live.manifest.malformedBefore
    return { folded, malformedBefore: same ? before : splitMalformed(live.manifest, malformedTotal(counters)) }
  }

  #pinRest(program: Program, manifest: Manifest): void {
    const bytes = encodeManifest(manifest)
    const map = this.#handles.keep(createMemory('manifest', bytes.length))
    map.setRaw(u32(0), bytes)
    this.#pin(map, 'manifest')
    if (this.#request.pending !== undefined) this.#pin(this.#request.pending, PENDING)
    writing('pin the program', () => program.pin(join(this.#staging, 'firewall')))
  }

  #publish(): string {
    const folder = generationFolder(this.#paths, this.#generation)
    writing(`make generation ${this.#generation}`, () => renameSync(this.#staging, folder))
    return folder
  }
}

interface NamedPart {
  readonly name: string
  readonly built: BuiltPart
}

/** Where a generation has a part; undefined if it has none. */
export function partFolder(generation: Live | undefined, name: string): string | undefined {
  return generation?.manifest.parts.includes(name) ? join(generation.folder, name) : undefined
}

/** What a program was compiled with, beside its rules and sets. */
interface ProgramFacts {
  readonly secret: string
  readonly clock: CompileInput['clock']
  readonly parts: readonly string[]
  readonly instructions: number
}

/** Maps that are there from the first generation on, whether its rules use them or not. */
const lasting: readonly MapNeed[] = [
  { symbol: 'counters', purpose: 'counters', bytes: COUNTER_SIZE },
  { symbol: 'clocks', purpose: 'clocks', bytes: SLOTS * 8 },
  { symbol: 'samples', purpose: 'samples', bytes: 0 },
]

function manifestRule(rule: Rule, slot: number, dynamic: boolean): ManifestRule {
  const { id, until, capture } = rule
  return {
    id,
    text: formatRuleBody(rule),
    slot,
    dynamic,
    ...(until === undefined ? {} : { until: String(until) }),
    ...(capture === undefined ? {} : { capture }),
  }
}

/** The part of a rule's text that its cells depend on. */
function limitOf(text: string): string {
  return kindOf(text) === 'limit' ? text.slice(0, text.indexOf(' if ')) : ''
}

function withFile(set: ManifestSet, input: SetInput): ManifestSet {
  const { file: _, ...rest } = set
  return input.file === undefined ? rest : { ...rest, file: input.file }
}
