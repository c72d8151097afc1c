import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Binding, Dispatch, type GenerationChoice, readBinding } from '../../../src/dispatch/index.ts'
import { dispatchFolder } from '../../../src/dispatch/pins.ts'
import { BPFFS, mountBpffs } from '../../../src/linux/bpffs.ts'
import { ipBatch } from '../../../src/linux/interface.ts'
import { writeSysctl } from '../../../src/linux/sysctl.ts'
import { startGameServer, startPlayers } from '../../game/game.ts'
import type { Game, GameOrder } from '../../game/messages.ts'
import { Lab } from '../../lab.ts'
import type { Ordered } from '../../ordered.ts'
import { ownPrefix } from '../../owner.ts'
import { pointOfPresence } from '../../point-of-presence.ts'
import { Closers } from '../closers.ts'
import { startNginx } from './nginx.ts'
import { GAME_PORT, GAME4, GAME6, gameTargets, WEB4, WEB6 } from './places.ts'
import { WebClients, type WebRequest } from './web-clients.ts'

export const LABELS = ['web', 'game'] as const
export type Label = (typeof LABELS)[number]

/** Processes of the game, each with a socket of its own. */
export const WORKERS = 4

/** Milliseconds that a player takes between two moves, and that he stays. */
const MOVE_MS = 500
const STAY_MS = 2_000

/** Without a datagram for so long a flow is over: several moves. */
const IDLE = '3s'

/** One run of a server: its processes, by name. */
export type Run = ReadonlyMap<string, ChildProcess>

/** Everything the demo plays with: a server with dispatch, what is behind it, and clients. */
export class Edge {
  readonly dispatch: Dispatch
  readonly #lab: Lab
  readonly #netns: string
  readonly #directory: string
  readonly #closers = new Closers()

  constructor() {
    mountBpffs()
    this.#lab = Lab.build(pointOfPresence())
    this.#closers.add(() => this.#lab.close())
    this.#netns = this.#lab.netns('edge1')
    this.#directory = this.#closers.temporaryDirectory()
    const paths = { netns: this.#netns, bpf: join(BPFFS, `${ownPrefix()}edge1`), run: this.#directory }
    this.#closers.remove(dispatchFolder(paths))
    this.dispatch = new Dispatch(paths, { waitMs: 5_000 })
    // What waits in the queue of a socket that is closed goes to another one of its group.
    writeSysctl(this.#netns, 'net.ipv4.tcp_migrate_req', '1')
    this.#route()
  }

  /** Players of the game, none as yet. */
  players(): Ordered<GameOrder, Game> {
    const plan = { targets: gameTargets, everyMs: MOVE_MS, lifeMs: STAY_MS }
    const players = startPlayers(this.#lab.netns('clients'), plan)
    this.#closers.add(() => players.close())
    return players
  }

  webClients(note: (request: WebRequest) => void): WebClients {
    return new WebClients(this.#lab.netns('clients'), note)
  }

  /** Starts a server beside those that are there, at the same place. Nothing comes to it yet. */
  async start(label: Label, run: number): Promise<Run> {
    const names = label === 'web' ? [`${run}`] : Array.from({ length: WORKERS }, (_, worker) => `${run}.${worker + 1}`)
    const started = names.map(async (name) => [name, await this.#startProcess(label, name)] as const)
    return new Map(await Promise.all(started))
  }

  /** All sockets of a run, of its own generation or of the one that works. */
  async register(label: string, run: Run, generation: GenerationChoice = 'working'): Promise<void> {
    let into = generation
    for (const { pid } of run.values())
      into = (await this.dispatch.registerProcess(label, { pid: pid! }, into)).generation
  }

  /** Flows that stay with each generation of the game, by its number. */
  async flows(): Promise<ReadonlyMap<number, number>> {
    const all = await this.dispatch.generations()
    return new Map(all.filter(({ label }) => label === 'game').map(({ number, flows }) => [number, flows]))
  }

  /** Look-ups that found no open socket, so far. */
  missing(...labels: readonly string[]): number {
    const { destinations } = this.dispatch.status()
    return destinations.filter(({ label }) => labels.includes(label)).reduce((sum, { missing }) => sum + missing, 0)
  }

  async close(): Promise<void> {
    await this.#closers.close()
  }

  async #startProcess(label: Label, name: string): Promise<ChildProcess> {
    const netns = this.#netns
    const child =
      label === 'web'
        ? await startNginx(netns, join(this.#directory, `nginx-${name}`), name)
        : await startGameServer({ netns, name, port: GAME_PORT, hosts: ['127.0.0.1', '::1'] })
    this.#closers.add(() => child.kill('SIGKILL'))
    return child
  }

  /** The router sends what is for the prefixes to the server, which takes all addresses in them for its own. */
  #route(): void {
    const prefixes = [WEB4, GAME4, WEB6, GAME6]
    const via = (prefix: string) => (prefix.includes(':') ? 'fd00:0:0:1::2' : '10.0.1.2')
    ipBatch(
      this.#lab.netns('router'),
      prefixes.map((prefix) => `route add ${prefix} via ${via(prefix)}`),
    )
    ipBatch(
      this.#netns,
      prefixes.map((prefix) => `route add local ${prefix} dev lo`),
    )
  }
}

/** Ends all processes of a run, and waits until they are gone. */
export async function end(run: Run, signal: NodeJS.Signals): Promise<void> {
  await Promise.all(
    [...run.values()].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    }),
  )
}

/** What the labels have: the web to `web`, which may be another label. */
export function bindingsOf(web: string): Binding[] {
  const game = (prefix: string) =>
    readBinding({ label: 'game', protocol: 'udp', prefix, port: `${GAME_PORT}`, flows: 'first-packet', idle: IDLE })
  return [
    ...[WEB4, WEB6].map((prefix) => readBinding({ label: web, protocol: 'tcp', prefix, port: 'any' })),
    ...[GAME4, GAME6].map(game),
  ]
}
