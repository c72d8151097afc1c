import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type AgentEvent } from '../../src/agent/index.ts'
import { listGenerations } from '../../src/dispatch/generation-status.ts'
import { LiveDispatch } from '../../src/dispatch/live.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { DispatchWorld } from './dispatch-world.ts'

/** A world with an agent whose configuration has the label "web". */
export class AgentWorld extends DispatchWorld {
  readonly events: AgentEvent[] = []
  #agent: Agent | undefined

  async up(label: object): Promise<void> {
    ipBatch(this.netns, ['link add sea0 type veth peer name cli0', 'link set sea0 up', 'link set cli0 up'])
    writeFileSync(this.#config, JSON.stringify({ interfaces: ['sea0'], dispatch: { labels: { web: label } } }))
    await this.upAgain()
  }

  /** An agent that goes on with what is there. */
  async upAgain(): Promise<void> {
    const { paths } = this
    this.#agent = await Agent.start({ config: this.#config, paths, log: (event) => this.events.push(event) })
  }

  /** Ends the agent; what it has made stays. */
  async stopAgent(): Promise<void> {
    await this.#agent?.stop()
    this.#agent = undefined
  }

  get #config(): string {
    return join(this.paths.run, 'seawall.json')
  }

  /** Waits until the label has so many sockets over IPv4. */
  sockets(count: number): Promise<void> {
    const now = () => this.dispatch.status().destinations.find(({ family }) => family === 4)?.sockets.length
    return this.until(`${count} sockets`, () => now() === count)
  }

  /** Generations by number: `1 drains, 2 works`. */
  states(): string {
    using live = LiveDispatch.find(this.paths)
    const generations = live === undefined ? [] : listGenerations(live)
    return generations.map(({ number, state }) => `${number} ${state}`).join(', ')
  }

  /** What the agent has logged of a kind. */
  said(event: string): string[] {
    return this.events.filter((one) => one.event === event).map(({ message }) => message)
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await holds()); tries++) {
      assert.ok(tries < 800, `wanted ${what}: ${this.states()} ${JSON.stringify(this.events)}`)
      await sleep(25)
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.#agent === undefined && this.dispatch.isLoaded()) await this.upAgain()
    await this.#agent?.down()
    await this.#agent?.stop()
    await super[Symbol.asyncDispose]()
  }
}
