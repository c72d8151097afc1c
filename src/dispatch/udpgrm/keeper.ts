import type { Paths } from '../../entry/paths.ts'
import { type Group, type GroupGeneration, type Request, RequestKind } from '../../generated/udpgrm.ts'
import { Dispatch } from '../dispatch.ts'
import type { KeeperOptions } from '../keeper-options.ts'
import { hasNetns, stateFolder } from '../pins.ts'
import type { RegisterResult } from '../types.ts'
import { type AskedSocket, withAskedSockets } from './asked-sockets.ts'
import { UdpgrmCaretaker } from './caretaker.ts'
import { labelOf } from './groups.ts'
import { UdpgrmMaps } from './maps.ts'
import { isBusy, UdpgrmRegistrar } from './registrar.ts'

/** Milliseconds between two looks whether options are answered, and by what. */
const EVERY_MS = 100

/** Looks until sockets beside groups are looked for: the kernel takes some milliseconds to list them. */
const OTHERS = 10

/** Looks until what is closed is forgotten. */
const TIDY = 100

/** What is to be done, by what the programs said. */
class Work {
  /** Whose sockets wait. */
  pids: Set<number> | 'all' = new Set()
  /** Whose working generation was set, by label. */
  readonly groups = new Map<string, Group>()

  get isDone(): boolean {
    return this.pids !== 'all' && this.pids.size + this.groups.size === 0
  }
}

/** What there is while options are answered. */
interface Desk {
  readonly maps: UdpgrmMaps
  readonly registrar: UdpgrmRegistrar
  readonly caretaker: UdpgrmCaretaker
}

/** Does what servers ask for by options of udpgrm, where these are answered. */
export class UdpgrmKeeper {
  readonly #options: KeeperOptions
  readonly #paths: Paths
  readonly #dispatch: Dispatch
  readonly #tell: (result: RegisterResult) => void
  #timer: NodeJS.Timeout | undefined
  #desk: Desk | undefined
  #work = new Work()
  #running: Promise<void> | undefined
  #isLookDue = false
  #looks = 0
  /** Whether the failure of looks has been told. */
  #told = false

  constructor(options: KeeperOptions, tell: (result: RegisterResult) => void) {
    this.#options = options
    this.#paths = options.paths
    this.#dispatch = new Dispatch(options.paths, options)
    this.#tell = tell
  }

  /** Done when what waits is registered. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#look(), EVERY_MS)
    this.#timer.unref()
    await this.#look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
    this.#leave()
  }

  async #look(): Promise<void> {
    this.#isLookDue = true
    await this.#run()
  }

  /** One thing at a time. What comes meanwhile is done by the next look, or by the next that comes. */
  async #run(): Promise<void> {
    this.#running ??= this.#workOff().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  /** A failure is told once, until it is over. */
  #follow(): void {
    try {
      if (this.#desk?.maps.isCurrent !== true) this.#change()
      this.#desk?.maps.beat()
      this.#told = false
    } catch (error) {
      if (!this.#told) this.#fail(error)
      this.#told = true
    }
  }

  /** An apply or a roll back may have the options answered by others, or no more. */
  #change(): void {
    this.#leave()
    const [paths, dispatch] = [this.#paths, this.#dispatch]
    const maps = hasNetns(paths) ? UdpgrmMaps.find(stateFolder(paths)) : undefined
    if (maps === undefined) return
    const [registrar, caretaker] = [
      new UdpgrmRegistrar(paths, dispatch, maps),
      new UdpgrmCaretaker(paths, dispatch, maps),
    ]
    this.#desk = { maps, registrar, caretaker }
    // What was asked while nobody was there to read it, or by a record that got lost with its reader.
    this.#work.pids = 'all'
    for (const group of maps.groups.keys()) this.#work.groups.set(labelOf(group), group)
    maps.requests.listen((request) => this.#take(request)).unref()
  }

  #leave(): void {
    this.#desk?.maps.close()
    this.#desk = undefined
    this.#work = new Work()
  }

  #take({ of: { group }, kind, pid }: Request): void {
    if (kind === RequestKind.RequestRegister && this.#work.pids !== 'all') this.#work.pids.add(pid)
    this.#work.groups.set(labelOf(group), group)
    void this.#run()
  }

  async #workOff(): Promise<void> {
    const isLook = this.#isLookDue
    this.#isLookDue = false
    if (isLook) this.#follow()
    const desk = this.#desk
    if (desk === undefined || !(await this.#workOffAt(desk)) || !isLook) return
    if (++this.#looks % OTHERS === 0) await this.#try(() => desk.caretaker.leaveOthers())
    if (this.#looks % TIDY === 0) await this.#try(() => desk.caretaker.tidy())
  }

  /** False if something is left for the next look. */
  async #workOffAt(desk: Desk): Promise<boolean> {
    while (!this.#work.isDone) {
      const work = this.#work
      this.#work = new Work()
      if (await this.#attempt(work, desk)) continue
      this.#putBack(work)
      return false
    }
    return true
  }

  /** False if another writer is in the way. */
  async #attempt({ pids, groups }: Work, { maps, registrar }: Desk): Promise<boolean> {
    const { netns } = this.#paths
    const tries = [
      await this.#try(() => withAskedSockets(netns, maps, pids, (sockets) => this.#register(registrar, sockets))),
    ]
    for (const group of groups.values()) tries.push(await this.#try(() => registrar.promote(group)))
    return tries.every((done) => done)
  }

  /** The sockets of each generation together. */
  async #register(registrar: UdpgrmRegistrar, sockets: readonly AskedSocket[]): Promise<void> {
    const generations = new Map<string, { readonly of: GroupGeneration; readonly sockets: AskedSocket[] }>()
    for (const socket of sockets) {
      const key = `${labelOf(socket.of.group)} ${socket.of.generation}`
      const known = generations.get(key)
      if (known === undefined) generations.set(key, { of: socket.of, sockets: [socket] })
      else known.sockets.push(socket)
    }
    for (const { of, sockets: all } of generations.values())
      await this.#telling(async () => this.#tell(await registrar.register(of, all)))
  }

  #putBack({ pids, groups }: Work): void {
    if (pids === 'all' || this.#work.pids === 'all') this.#work.pids = 'all'
    else for (const pid of pids) this.#work.pids.add(pid)
    for (const [label, group] of groups) if (!this.#work.groups.has(label)) this.#work.groups.set(label, group)
  }

  /** False if it is to be tried again. */
  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await this.#telling(work)
      return true
    } catch {
      return false
    }
  }

  /** Tells of failures, and goes on, unless another writer is in the way. */
  async #telling(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isBusy(error)) throw error
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#options.log({ level: 'error', event: 'udpgrm-failed', message })
  }
}
