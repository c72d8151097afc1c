import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type AgentEvent } from '../../src/agent/index.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { DispatchWorld } from './dispatch-world.ts'

export const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname
export const PORT = 5300
export const CLIENTS = 50
export const HOST = '192.0.2.7'

/** A world with an agent that answers options of udpgrm. */
export class UdpgrmWorld extends DispatchWorld {
  readonly events: AgentEvent[] = []
  agent: Agent | undefined
  #hasInterface = false

  async up(dispatch: object = { udpgrm: true }): Promise<void> {
    if (!this.#hasInterface)
      ipBatch(this.netns, ['link add sea0 type veth peer name cli0', 'link set sea0 up', 'link set cli0 up'])
    this.#hasInterface = true
    this.configure(dispatch)
    const log = (event: AgentEvent) => this.events.push(event)
    this.agent = await Agent.start({ config: this.#config, paths: this.paths, log, watch: false })
  }

  configure(dispatch: object): void {
    writeFileSync(this.#config, JSON.stringify({ interfaces: ['sea0'], dispatch }))
  }

  /** A server as those of udpgrm are, once its generation works, and what it has become. */
  async server(name: string, host: string, ...keys: readonly string[]) {
    const child = this.start('python3', [support('udpgrm-server.py'), name, host, `${PORT}`, ...keys])
    return { child, ...(await said(child)) }
  }

  greeters(first: number): Promise<ChildProcess> {
    return this.serve('python3', [support('greeters.py'), `${first}`, `${CLIENTS}`])
  }

  async labels(): Promise<readonly string[]> {
    const generations = await this.dispatch.generations()
    return generations.map(({ label, number, state, sockets }) => `${label} ${number} ${state} ${sockets.length}`)
  }

  /** Waits until what a server has set is so. */
  async works(server: ChildProcess, host: string, generation: number): Promise<void> {
    const address = host.includes(':') ? `[${host}]` : host
    await until(async () => {
      const generations = await this.dispatch.generations()
      const newest = generations.filter(({ label }) => label === `udpgrm-${address}:${PORT}`)
      const pids = newest.find(({ state }) => state === 'works')?.processes ?? []
      return pids.includes(server.pid!) && (await ask(server, 'working')) === generation
    }, `generation ${generation} works`)
  }

  get #config(): string {
    return join(this.paths.run, 'seawall.json')
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.agent?.down()
    await this.agent?.stop()
    await super[Symbol.asyncDispose]()
  }
}

export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 1_000, `it never holds: ${what}`)
    await sleep(20)
  }
}

export const total = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0)

/** What a child writes next, as JSON. */
export async function said(child: ChildProcess) {
  let text = ''
  while (!/\S.*\n/.test(text)) {
    const rest = new AbortController()
    const { signal } = rest
    const [data] = await Promise.race([once(child.stdout!, 'data', { signal }), once(child, 'exit', { signal })])
    rest.abort()
    assert.ok(data instanceof Buffer, `it has ended: ${data} ${text}`)
    text += data
  }
  return JSON.parse(text)
}

export function ask(child: ChildProcess, line: string) {
  child.stdin!.write(`${line}\n`)
  return said(child)
}

export const greet = (clients: ChildProcess, host: string): Promise<Record<string, number>> =>
  ask(clients, `${host} ${PORT}`)
