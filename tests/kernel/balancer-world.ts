import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentProcess } from '../../lab/agent.ts'
import { Lab } from '../../lab/lab.ts'
import { attachPassing } from '../../lab/passing.ts'
import { CLIENT_ADDRESSES, pointOfPresence, SERVICE4, SERVICE6 } from '../../lab/point-of-presence.ts'
import { startTalkServer, Talkers } from '../../lab/talk/talkers.ts'
import { ApiClient } from '../../src/agent/api/index.ts'
import { LocalControl } from '../../src/agent/index.ts'
import { encodeDocument, type TableDocument } from '../../src/balancer/fleet/document.ts'
import { LiveBalancer } from '../../src/balancer/live.ts'
import { documentOf } from '../../src/balancer/table-document.ts'
import { removePins } from '../../src/entry/pins.ts'
import { ipBatch } from '../../src/linux/interface.ts'

/** Where clients and the lab's services are, by family. */
export const CLIENT = { 4: '203.0.113.10', 6: '2001:db8:c::10' } as const
export const SERVICE = { 4: SERVICE4, 6: SERVICE6 } as const

export const families = [4, 6] as const
export type Family = (typeof families)[number]

/** What a connection goes to. */
export interface Destination {
  readonly host: string
  readonly port: number
}

/** How long something may take that has to happen, on a machine that is busy with other things. */
const PATIENCE_MS = 120_000

/** Milliseconds between an answer and the next question of a connection. */
const TALK_MS = 1_000

/** What is encapsulated on the way between edges is longer than what clients send. */
const EDGE_MTU = 1_600

export const KEY = '00112233445566778899aabbccddeeff'

let worlds = 0

/** Edges that are balancer and server at once, behind a router that spreads packets over them, and clients. */
export class BalancerWorld {
  readonly lab: Lab
  readonly edges: readonly string[]
  readonly #closers: (() => void)[] = []
  readonly #folder: string
  readonly #controls = new Map<string, LocalControl>()
  /** The last agent of each edge. */
  readonly #agents = new Map<string, AgentProcess>()
  readonly #number: number

  private constructor(lab: Lab, edges: readonly string[]) {
    this.lab = lab
    this.edges = edges
    this.#closers.push(() => lab.close())
    this.#folder = mkdtempSync(join(tmpdir(), 'seawall-balancer-'))
    this.#closers.push(() => rmSync(this.#folder, { recursive: true, force: true }))
    this.#number = ++worlds
  }

  static async build(edges: number, { edgeMtu = EDGE_MTU } = {}): Promise<BalancerWorld> {
    const names = Array.from({ length: edges }, (_, index) => `edge${index + 1}`)
    const world = new BalancerWorld(Lab.build(pointOfPresence({ edges, edgeMtu })), names)
    // XDP_TX over a veth reaches the other end only if a program is attached there.
    for (const name of names) world.#closers.push(await attachPassing(world.lab.netns('router'), name))
    return world
  }

  netns(node: string): string {
    return this.lab.netns(node)
  }

  /** Where the state of an edge is. */
  paths(edge: string) {
    const name = `seawall-test-${process.pid}-${this.#number}-${edge}`
    return { bpf: `/sys/fs/bpf/${name}`, run: join(this.#folder, edge, 'run'), netns: this.netns(edge) }
  }

  /** A configuration as a file, without a balancer if that is undefined; each overwrites that of the same name. */
  config(balancer: object | undefined, firewall: object = {}, name = 'seawall'): string {
    const path = join(this.#folder, `${name}.json`)
    writeFileSync(
      path,
      JSON.stringify({ interfaces: ['eth0'], firewall, balancer: balancer && { key: KEY, ...balancer } }),
    )
    return path
  }

  /** Backends of all edges or some of them, with weights. */
  backends(
    weights: Readonly<Record<string, number>> = Object.fromEntries(this.edges.map((edge) => [edge, 1])),
  ): object {
    return Object.fromEntries(
      Object.entries(weights).map(([edge, weight]) => [edge, { address: `10.0.${edge.slice(4)}.2`, weight }]),
    )
  }

  /** The state of an edge, without an agent. */
  control(edge: string): LocalControl {
    const known = this.#controls.get(edge)
    if (known !== undefined) return known
    const paths = this.paths(edge)
    const control = new LocalControl({ paths, waitMs: 2_000 })
    this.#closers.push(() => {
      control.close()
      removePins(paths.bpf)
    })
    this.#controls.set(edge, control)
    return control
  }

  /** Connections of clients that stay and talk. */
  talkers(...to: readonly Destination[]): Talkers {
    const targets = to.map(({ host, port }) => {
      const prefix = host.includes(':') ? '2001:db8:c::' : '203.0.113.'
      return { host, port, addresses: Array.from({ length: CLIENT_ADDRESSES }, (_, index) => `${prefix}${10 + index}`) }
    })
    const talkers = Talkers.start({ netns: this.netns('clients'), targets, everyMs: TALK_MS })
    this.#closers.push(() => talkers.close())
    return talkers
  }

  /** On every edge a server that answers with its name, on some ports. */
  async serve(...ports: readonly number[]): Promise<void> {
    const start = async (edge: string): Promise<void> => {
      const child = await startTalkServer(this.netns(edge), edge, ...ports)
      this.#closers.push(() => child.kill('SIGKILL'))
    }
    await Promise.all(this.edges.map(start))
  }

  /** The router spreads packets for all services over these edges from now on. */
  route(...edges: readonly string[]): void {
    const numbers = edges.map((edge) => edge.slice(4))
    const to = (prefix: string, hops: readonly string[]): string =>
      `route replace ${prefix} ${hops.map((hop) => `nexthop via ${hop}`).join(' ')}`
    ipBatch(this.netns('router'), [
      to(
        `${SERVICE4}/32`,
        numbers.map((number) => `10.0.${number}.2`),
      ),
      `route del ${SERVICE6}/128`,
      to(
        `${SERVICE6}/128`,
        numbers.map((number) => `fd00:0:0:${number}::2`),
      ),
    ])
  }

  /** Puts a configuration in force on all edges. */
  async apply(balancer: object): Promise<void> {
    const config = this.config(balancer)
    for (const edge of this.edges) await this.control(edge).apply({ config })
  }

  /** Starts the agent of an edge, in a process of its own, and returns when it is ready. */
  async startAgent(edge: string, config: string): Promise<AgentProcess> {
    // So that what it leaves in the kernel is removed.
    this.control(edge)
    const agent = await AgentProcess.start(this.paths(edge), config)
    this.#closers.push(() => agent.close())
    this.#agents.set(edge, agent)
    return agent
  }

  /** The agent of an edge, which must run. */
  agent(edge: string): ApiClient {
    return new ApiClient(join(this.paths(edge).run, 'seawall.sock'))
  }

  /** The tables in an edge's kernel. */
  tables(edge: string): TableDocument {
    return this.live(edge, documentOf)
  }

  /** Works on the balancer in an edge's kernel. */
  live<T>(edge: string, work: (live: LiveBalancer) => T): T {
    const live = LiveBalancer.open(LiveBalancer.require(this.paths(edge)))
    try {
      return work(live)
    } finally {
      live.close()
    }
  }

  /** Waits until some edges have the same tables in their kernels, and these are as wanted; else tells them, and what the agents said last. */
  async untilAgreed(
    what: string,
    edges: readonly string[],
    wanted: (document: TableDocument) => boolean = () => true,
  ): Promise<TableDocument> {
    const agreed = () => {
      const [first, ...others] = edges.map((edge) => this.tables(edge))
      const text = encodeDocument(first!)
      if (others.every((other) => encodeDocument(other) === text) && wanted(first!)) return first
      const logs = edges.map((edge) =>
        [`${edge}:`, ...(this.#agents.get(edge)?.log.slice(-LAST_LINES) ?? [])].join('\n'),
      )
      throw new Error([[first!, ...others].map(summaryOf).join('; '), ...logs].join('\n'))
    }
    return await until(what, agreed)
  }

  onClose(close: () => void): void {
    this.#closers.push(close)
  }

  close(): void {
    while (this.#closers.length > 0) this.#closers.pop()!()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** No connection was lost, none was answered by another server than before, and each gets answers. */
export async function assertUnbroken(talkers: Talkers, what?: string): Promise<void> {
  const { opened, open, moved, silent } = await talkers.hear()
  assert.deepEqual({ open, moved, silent }, { open: opened, moved: 0, silent: 0 }, what)
}

/** Lines of each agent's log that are told when they do not agree. */
const LAST_LINES = 10

/** Waits for something that has to happen. Failures on the way are tried again, the last one is told. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  let last: unknown
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(100)) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
    } catch (error) {
      last = error
    }
  }
  assert.fail(`${what}: not after ${PATIENCE_MS} ms${last === undefined ? '' : `: ${last}`}`)
}

/** Version and conductor, and the buckets that each backend owns and owned before. */
function summaryOf(document: TableDocument): string {
  const names = [...new Set(document.pools.flatMap(({ backends }) => backends))]
  const counts = names.map((name) => {
    const { buckets, previous } = owned(document, name)
    return `${name} ${buckets}+${previous}`
  })
  return `version ${document.version} of ${document.conductor}: ${counts.join(', ')}`
}

/** Buckets that a backend owns in a table document, and that it owned before. */
export function owned({ pools }: TableDocument, name: string): { readonly buckets: number; readonly previous: number } {
  let [buckets, previous] = [0, 0]
  for (const { backends, rows } of pools) {
    const number = backends.indexOf(name) + 1
    if (number === 0) continue
    for (let at = 0; at < rows.length; at += 2) {
      if (rows[at] === number) buckets++
      if (rows[at + 1] === number) previous++
    }
  }
  return { buckets, previous }
}

export { SERVICE4, SERVICE6 }
