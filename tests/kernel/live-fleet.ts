import type { AgentProcess } from '../../lab/agent.ts'
import { type BalancerWorld, until } from './balancer-world.ts'

/** The agents of a world, as processes, and the configuration that they have or are about to have. */
export class LiveFleet {
  readonly #world: BalancerWorld
  readonly #agents = new Map<string, AgentProcess>()
  #config: object

  constructor(world: BalancerWorld, config: object) {
    this.#world = world
    this.#config = { fleet: {}, ...config }
  }

  async start(edge: string): Promise<void> {
    this.#agents.set(edge, await this.#world.startAgent(edge, this.#file(edge)))
  }

  async stop(edge: string): Promise<void> {
    await this.#agents.get(edge)!.stop()
  }

  async kill(edge: string): Promise<void> {
    await this.#agents.get(edge)!.kill()
  }

  /** Changes the configuration for agents that start or apply it from now on. */
  configure(changes: object): void {
    this.#config = { ...this.#config, ...changes }
  }

  async apply(edge: string): Promise<void> {
    await this.#world.agent(edge).apply({ config: this.#file(edge) })
  }

  /** As an operator would: again, if nobody decides at the moment. */
  async order(edge: string, kind: 'drain' | 'undrain', backend: string): Promise<void> {
    await until(`${edge} is told to ${kind} ${backend}`, () => this.#world.agent(edge)[kind](backend))
  }

  #file(edge: string): string {
    return this.#world.config(this.#config, {}, edge)
  }
}
