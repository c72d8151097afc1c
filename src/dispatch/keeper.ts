import { join } from 'node:path'
import { findLive } from '../entry/live-generation.ts'
import { type DescriptorMessage, DescriptorServer } from '../linux/descriptor-server.ts'
import { NotifyServer } from '../linux/notify-server.ts'
import { leaderOf } from '../linux/process-selection.ts'
import { findSockets, type ProcessSocket } from '../linux/process-sockets.ts'
import { readServerSockets, type TableSocket } from '../linux/socket-table.ts'
import type { DesiredWatch } from './desired.ts'
import { Dispatch } from './dispatch.ts'
import type { KeeperOptions } from './keeper-options.ts'
import { type Duties, noDuties, readDuties } from './part.ts'
import { hasNetns } from './pins.ts'
import type { GenerationChoice } from './plan-generation.ts'
import { withSockets } from './process-sockets.ts'
import type { OpenSocket } from './register.ts'
import { Successions } from './succession.ts'
import type { RegisterResult } from './types.ts'
import { UdpgrmKeeper } from './udpgrm/keeper.ts'

/** Names of the Unix sockets by which processes pass their sockets, and say that they are ready. */
export const REGISTER = 'register.sock'
const NOTIFY = 'notify.sock'

/** Milliseconds between two looks at the sockets that there are; one takes some 300 microseconds. */
const EVERY_MS = 100

/** Looks until sockets whose process was not among the wanted ones are looked at again: it may have been starting. */
const AGAIN = 10

/**
 * Gives the sockets of watched processes to their labels, whenever they come, and those that processes pass. Has the runs of a server follow each
 * other where the configuration says so.
 */
export class DispatchKeeper {
  readonly #options: KeeperOptions
  readonly #dispatch: Dispatch
  readonly #udpgrm: UdpgrmKeeper
  #timer: NodeJS.Timeout | undefined
  #server: DescriptorServer | undefined
  #notified: NotifyServer | undefined
  #running: Promise<void> | undefined
  #generation: string | undefined
  #duties: Duties = noDuties
  readonly #successions: Successions
  /** Inodes of the sockets that a label's port had when it was looked at, and the looks since. */
  readonly #seen = new Map<string, { readonly inodes: string; looks: number; readonly settled: boolean }>()
  readonly #told = new Set<string>()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#dispatch = new Dispatch(options.paths, options)
    this.#successions = new Successions(options)
    this.#udpgrm = new UdpgrmKeeper(options, (result) => this.#tell(result))
  }

  /** Done when what is there has been registered. */
  async start(): Promise<void> {
    const { run } = this.#options.paths
    this.#server = DescriptorServer.listen(join(run, REGISTER), (message) => this.#take(message))
    this.#notified = NotifyServer.listen(join(run, NOTIFY), (said, pid) => this.#hear(said, pid))
    this.#timer = setInterval(() => void this.#look(), EVERY_MS)
    this.#timer.unref()
    await this.#look()
    await this.#udpgrm.start()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#server?.close()
    this.#notified?.close()
    this.#successions.close()
    await this.#udpgrm.stop()
    await this.#running
  }

  /** One look at a time. */
  async #look(): Promise<void> {
    this.#running ??= this.#lookOnce().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #lookOnce(): Promise<void> {
    await this.#attempt('watch what is configured', async () => this.#follow())
    const { watches, successions } = this.#duties
    if (watches.length > 0 && hasNetns(this.#options.paths)) {
      const sockets = readServerSockets(this.#options.paths.netns)
      for (const watch of watches) await this.#attempt(`watch "${watch.label}"`, () => this.#lookAt(watch, sockets))
    }
    if (successions.length > 0) await this.#attempt('see to generations', () => this.#successions.look(successions))
  }

  /** A roll back changes what is watched, too. */
  #follow(): void {
    const generation = findLive(this.#options.paths)?.folder
    if (generation === this.#generation) return
    this.#duties = generation === undefined ? noDuties : readDuties(generation)
    this.#generation = generation
    this.#seen.clear()
  }

  async #lookAt(watch: DesiredWatch, sockets: readonly TableSocket[]): Promise<void> {
    const { label, port, process } = watch
    const there = sockets.filter((one) => one.port === port && isWanted(one, watch))
    const inodes = there.map(({ inode }) => inode).join()
    const seen = this.#seen.get(label)
    if (seen?.inodes === inodes && (seen.settled || ++seen.looks < AGAIN)) return
    const { netns } = this.#options.paths
    const found = findSockets({ netns, ...process, ports: [port, port] }).filter((one) => isWanted(one, watch))
    for (const [leader, sockets] of byLeader(found, process)) await this.#register(label, leader, sockets)
    this.#seen.set(label, { inodes, looks: 0, settled: found.length === there.length })
  }

  async #register(label: string, leader: number, found: readonly ProcessSocket[]): Promise<void> {
    const work = (open: readonly OpenSocket[]) => {
      const led = open.map(({ fd }) => ({ fd, pid: leader }))
      return this.#dispatch.register(label, led, this.#choiceOf(label))
    }
    this.#tell(await withSockets(found, work))
  }

  /** A message is a label with sockets, or `READY=1`. A label may end in `#`, as clients of tubular and udpgrm write it. */
  async #take({ text, descriptors, pid, tell }: DescriptorMessage): Promise<string> {
    try {
      if (descriptors.length === 0 && this.#hear([text], pid)) return 'OK'
      const open = descriptors.map((fd) => ({ fd, pid }))
      if (open.length === 0) return 'ERR Cannot register nothing: wanted sockets along with the label (SCM_RIGHTS)'
      const label = text.replace(/#$/, '')
      const result = await this.#dispatch.register(label, open, this.#choiceOf(label))
      this.#successions.listen(label, result.generation, tell)
      this.#tell(result)
      return 'OK'
    } catch (error) {
      return `ERR ${error instanceof Error ? error.message : String(error)}`
    }
  }

  /** Whether a process has said that it is ready. */
  #hear(said: readonly string[], pid: number): boolean {
    const isReady = said.includes('READY=1')
    if (isReady) this.#successions.hear(pid)
    return isReady
  }

  #choiceOf(label: string): GenerationChoice {
    return this.#duties.successions.some((one) => one.label === label) ? 'run' : 'working'
  }

  #tell({ label, sockets }: RegisterResult): void {
    for (const { known, protocol, family, address, port, pid } of sockets) {
      if (known) continue
      const message = `${label}: ${protocol} over IPv${family} goes to ${address} port ${port} of process ${pid}`
      this.#options.log({ level: 'info', event: 'socket-registered', message })
    }
  }

  /** A failure is told once, until it is over. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#told.delete(what)
    } catch (error) {
      if (this.#told.has(what)) return
      this.#told.add(what)
      const reason = error instanceof Error ? error.message : String(error)
      this.#options.log({ level: 'error', event: 'register-failed', message: `Cannot ${what}: ${reason}` })
    }
  }
}

const isWanted = ({ protocol, state }: TableSocket, { protocols }: DesiredWatch): boolean =>
  state !== 'connected' && protocols.includes(protocol)

/** Each run of a server with all its sockets, by its first process. */
function byLeader(found: readonly ProcessSocket[], match: DesiredWatch['process']): Map<number, ProcessSocket[]> {
  const runs = new Map<number, ProcessSocket[]>()
  for (const socket of found) {
    const leader = leaderOf(socket.pid, match)
    runs.set(leader, [...(runs.get(leader) ?? []), socket])
  }
  return runs
}
