import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DesiredBalancer } from '../../src/balancer/desired.ts'
import { type BackendHealth, type Dead, HealthChecks } from '../../src/balancer/health/health-checks.ts'
import { loadConfig } from '../../src/config/index.ts'
import { inNetns } from '../../src/linux/netns.ts'
import type { BalancerWorld } from './balancer-world.ts'

/** Web servers of all edges, and what they were asked. */
export class WebServers {
  readonly asked: { readonly edge: string; readonly host: string; readonly from: string }[] = []
  /** Edges whose server takes requests and does not answer. */
  readonly silent = new Set<string>()
  readonly #servers = new Map<string, Server>()
  readonly #world: BalancerWorld
  readonly #port: number

  constructor(world: BalancerWorld, port: number) {
    this.#world = world
    this.#port = port
    for (const edge of world.edges) this.start(edge)
    world.onClose(() => {
      for (const edge of world.edges) this.stop(edge)
    })
  }

  start(edge: string): void {
    const server = createServer((request, response) => {
      const { host = '' } = request.headers
      this.asked.push({ edge, host, from: request.socket.remoteAddress!.replace('::ffff:', '') })
      if (!this.silent.has(edge)) response.end(edge)
    })
    inNetns(this.#world.netns(edge), () => void server.listen(this.#port))
    this.#servers.set(edge, server)
  }

  stop(edge: string): void {
    const server = this.#servers.get(edge)
    server?.close()
    server?.closeAllConnections()
    this.#servers.delete(edge)
  }
}

/** What the configuration of all edges says. */
export async function desiredOf(world: BalancerWorld, balancer: object): Promise<DesiredBalancer> {
  return (await loadConfig(world.config(balancer))).balancer!
}

/** Checks of one machine, and what they found so far. */
export class Watching {
  readonly checks: HealthChecks
  readonly changes: Dead[] = []

  constructor(world: BalancerWorld, node: string) {
    this.checks = new HealthChecks({ paths: world.paths(node), onChange: (dead) => this.changes.push(dead) })
  }

  /** Returns when the backends that are dead have changed so many times in all. */
  async untilChanges(count: number): Promise<void> {
    for (let tries = 0; this.changes.length < count; tries++) {
      if (tries === 1_000) throw new Error(`Nothing has changed: ${JSON.stringify(this.checks.state(), null, 1)}`)
      await sleep(20)
    }
  }

  of(backend: string, service?: string): BackendHealth {
    const found = this.checks.state().find((one) => one.backend === backend && one.service === (service ?? one.service))
    if (found === undefined) throw new Error(`Nothing is known of backend "${backend}"`)
    return found
  }
}
