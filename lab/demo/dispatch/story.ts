import { setTimeout as sleep } from 'node:timers/promises'
import { readBinding } from '../../../src/dispatch/index.ts'
import type { Game, GameOrder } from '../../game/messages.ts'
import type { Ordered } from '../../ordered.ts'
import { startTicker } from '../ticker.ts'
import { bindingsOf, type Edge, end, LABELS, type Label, type Run } from './edge.ts'
import { type Done, figures, type StageFigures } from './figures.ts'
import type { DispatchDemoOptions } from './options.ts'
import { type StageName, sum, Timeline } from './timeline.ts'
import type { WebRequest } from './web-clients.ts'

/** Milliseconds from one moment of the timeline to the next. */
const TICK_MS = 250

/** Milliseconds that something may take that has to happen. */
const PATIENCE_MS = 60_000

/** How often servers are restarted in a stage. */
const WEB_RESTARTS = 4
const GAME_RESTARTS = 3

/** Bindings of each set beside those of the story. */
const OTHERS = 10_000

/** A run that worked until another was promoted, and the generation of its sockets. */
interface Promoted {
  readonly run: Run
  readonly generation: number
}

/** The demo's story: one stage after the other while clients ask and play. */
export class Story {
  timeline = new Timeline()
  readonly stages: StageFigures[] = []
  readonly #edge: Edge
  readonly #options: DispatchDemoOptions
  readonly #players: Ordered<GameOrder, Game>
  readonly #onTick: (timeline: Timeline) => void
  /** The one that works, by label, and how many there were. */
  readonly #runs = new Map<Label, Run>()
  readonly #numbers = { web: 0, game: 0 }
  #requests: WebRequest[] = []
  #last: Game | undefined

  constructor(edge: Edge, options: DispatchDemoOptions, onTick: (timeline: Timeline) => void) {
    this.#edge = edge
    this.#options = options
    this.#players = edge.players()
    this.#onTick = onTick
  }

  async play(): Promise<void> {
    await this.#edge.dispatch.bind(bindingsOf('web'))
    for (const label of LABELS) await this.#edge.register(label, await this.#startNext(label))
    this.#last = await this.#players.order({ do: 'open', players: this.#options.players })
    this.timeline = new Timeline()
    const web = this.#edge.webClients((request) => this.#note(request))
    const ticker = startTicker(TICK_MS, () => this.#tick())
    try {
      await this.#stage('prefixes', () => this.#showPrefixes())
      await this.#stage('web', () => this.#restartWeb())
      await this.#stage('game', () => this.#restartGame())
      await this.#stage('plain', () => this.#restartPlainly())
      await this.#stage('kill', () => this.#kill())
      await this.#stage('bindings', () => this.#replaceBindings())
    } finally {
      await ticker.stop()
      await web.stop()
    }
  }

  /** What happens, and time to see what comes of it while clients go on. */
  async #stage(name: StageName, happen: () => Promise<Done>): Promise<void> {
    this.timeline.enter(name)
    this.#requests = []
    const began = performance.now()
    const missing = this.#missing()
    const done = await happen()
    await sleep(Math.max(this.#step, this.#options.seconds * 1000 - (performance.now() - began)))
    const after = await this.#players.order({ do: 'hear', patienceMs: PATIENCE_MS })
    const now = this.#missing()
    this.stages.push(
      figures({
        name,
        seconds: (performance.now() - began) / 1000,
        done,
        requests: this.#requests,
        before: this.#last!,
        after,
        missing: { web: now.web - missing.web, game: now.game - missing.game },
      }),
    )
    this.#last = after
  }

  async #showPrefixes(): Promise<Done> {
    this.timeline.mark(
      'one nginx at 127.0.0.1:8080 and [::1]:8080 answers at every address and port of a /24 and a /48',
    )
    return {}
  }

  async #restartWeb(): Promise<Done> {
    for (let restart = 1; restart <= WEB_RESTARTS; restart++) {
      const { run } = await this.#promoteNext('web')
      await end(run, 'SIGQUIT')
      this.timeline.mark(`nginx: run ${this.#numbers.web} is promoted, the one before has finished and ended`)
      await sleep(this.#step)
    }
    return { restarts: WEB_RESTARTS }
  }

  async #restartGame(): Promise<Done> {
    const draining: Promoted[] = []
    for (let restart = 1; restart <= GAME_RESTARTS; restart++) {
      draining.push(await this.#promoteNext('game'))
      this.timeline.mark(`game: run ${this.#numbers.game} is promoted, those before keep their players`)
      await sleep(this.#step)
    }
    await this.#endDrained(draining)
    this.timeline.mark('game: those before have no flows any more, and are ended')
    return { restarts: GAME_RESTARTS }
  }

  /** As they are restarted everywhere: one ends, and then another begins. */
  async #restartPlainly(): Promise<Done> {
    for (const label of LABELS) {
      await end(this.#runs.get(label)!, label === 'web' ? 'SIGQUIT' : 'SIGTERM')
      await this.#edge.register(label, await this.#startNext(label))
    }
    this.timeline.mark('nginx and the game are ended, and started again: no generations')
    return { restarts: 1 }
  }

  async #kill(): Promise<Done> {
    const { servers } = await this.#players.order({ do: 'count' })
    const run = this.#runs.get('game')!
    const [server, child] = [...run][1]!
    await end(new Map([[server, child]]), 'SIGKILL')
    const players = servers[server] ?? 0
    this.timeline.mark(`kill -9 of a worker of the game, which has ${players} of ${sum(servers)} players`)
    return { killed: { server, players } }
  }

  /** Sets in which the web goes to another nginx, and back. */
  async #replaceBindings(): Promise<Done> {
    const labels = ['web', 'canary'] as const
    await this.#edge.register('canary', await this.#startNext('web'))
    const until = performance.now() + this.#options.seconds * 1000
    let times = 0
    let bindings = 0
    for (; times < 2 || performance.now() < until; times++) {
      const label = labels[(times + 1) % 2]!
      const others = Array.from({ length: OTHERS }, (_, index) => otherBinding(times % 256, index))
      ;({ bindings } = await this.#edge.dispatch.replaceDynamic([...bindingsOf(label), ...others]))
      await sleep(this.#step)
    }
    this.timeline.mark(`${bindings.toLocaleString('en')} bindings were replaced ${times} times, each time all at once`)
    return { replaced: { times, bindings } }
  }

  /** Starts the next run beside the one that works, and has it work. Returns the one before. */
  async #promoteNext(label: Label): Promise<Promoted> {
    const run = this.#runs.get(label)!
    await this.#edge.register(label, await this.#startNext(label), 'new')
    const { before } = await this.#edge.dispatch.promote(label)
    return { run, generation: before! }
  }

  async #startNext(label: Label): Promise<Run> {
    const run = await this.#edge.start(label, ++this.#numbers[label])
    this.#runs.set(label, run)
    return run
  }

  /** Ends each run of the game when no flow stays with it any more. */
  async #endDrained(runs: readonly Promoted[]): Promise<void> {
    let draining = runs
    for (const until = performance.now() + PATIENCE_MS; draining.length > 0; await sleep(2 * TICK_MS)) {
      if (performance.now() > until) throw new Error(`Cannot go on: flows stay after ${PATIENCE_MS / 1000} s`)
      const flows = await this.#edge.flows()
      const isOver = ({ generation }: Promoted) => flows.get(generation) === 0
      await Promise.all(draining.filter(isOver).map(({ run }) => end(run, 'SIGTERM')))
      draining = draining.filter((one) => !isOver(one))
    }
  }

  get #step(): number {
    return (this.#options.seconds * 1000) / 6
  }

  #missing() {
    return { web: this.#edge.missing('web', 'canary'), game: this.#edge.missing('game') }
  }

  #note(request: WebRequest): void {
    this.#requests.push(request)
    this.timeline.request(request)
  }

  async #tick(): Promise<void> {
    this.timeline.tick(await this.#players.order({ do: 'count' }))
    this.#onTick(this.timeline)
  }
}

/** Of others, in each set others again. */
function otherBinding(set: number, index: number) {
  const prefix = `10.${set}.${index >> 8}.${index & 255}`
  return readBinding({ label: 'other', protocol: 'tcp', prefix, port: '443' })
}
