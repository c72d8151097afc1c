import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApiClient } from '../../../src/agent/api/index.ts'
import { LocalControl } from '../../../src/agent/index.ts'
import { SeawallError } from '../../../src/entry/errors.ts'
import { BPFFS, mountBpffs } from '../../../src/linux/bpffs.ts'
import { ipBatch } from '../../../src/linux/interface.ts'
import { AgentProcess } from '../../agent.ts'
import { Lab } from '../../lab.ts'
import { ownPrefix } from '../../owner.ts'
import { attachPassing } from '../../passing.ts'
import { CLIENT_ADDRESSES, pointOfPresence, SERVICE4, SERVICE6 } from '../../point-of-presence.ts'
import { startTalkServer, Talkers } from '../../talk/talkers.ts'
import { Closers } from '../closers.ts'
import type { Counted } from './timeline.ts'

export const EDGES = ['edge1', 'edge2', 'edge3'] as const
export type Edge = (typeof EDGES)[number]

const PORT = 8080

/** What is encapsulated on the way between edges is longer than what clients send. */
const EDGE_MTU = 1_600

/** Milliseconds between an answer and the next question of a connection. */
const TALK_MS = 500

/** Of the demo's namespaces: nobody else can reach them. */
const KEY = '5ea3a11b9e99bb480dd25e1f0284c855'

/** Of the first service; none if the server has left meanwhile. */
async function sharesOf(kernel: LocalControl) {
  try {
    return (await kernel.services())[0]!.shares
  } catch (error) {
    if (error instanceof SeawallError && error.code === 'SEAWALL_NO_BALANCER') return []
    throw error
  }
}

/** Everything the demo plays with: servers that are balancers too, a router before them, and clients. */
export class Edges {
  readonly #lab: Lab
  readonly #directory: string
  readonly #closers = new Closers()
  readonly #agents = new Map<Edge, AgentProcess>()
  readonly #kernels = new Map<Edge, LocalControl>()
  #members: readonly Edge[] = []

  private constructor() {
    mountBpffs()
    this.#lab = Lab.build(pointOfPresence({ edges: EDGES.length, edgeMtu: EDGE_MTU }))
    this.#closers.add(() => this.#lab.close())
    this.#directory = this.#closers.temporaryDirectory()
    for (const edge of EDGES) this.#closers.remove(this.#place(edge).bpf)
  }

  static async build(): Promise<Edges> {
    const edges = new Edges()
    try {
      for (const edge of EDGES) {
        edges.#closers.add(await attachPassing(edges.#lab.netns('router'), edge))
        const server = await startTalkServer(edges.#lab.netns(edge), edge, PORT)
        edges.#closers.add(() => server.kill('SIGKILL'))
        const kernel = new LocalControl({ paths: edges.#place(edge), waitMs: 5_000 })
        edges.#kernels.set(edge, kernel)
        edges.#closers.add(() => kernel.close())
      }
      return edges
    } catch (cause) {
      await edges.close()
      throw cause
    }
  }

  /** Connections of clients, over IPv4 and IPv6 in turn. */
  talkers(lifeMs: number): Talkers {
    const from = (prefix: string) => Array.from({ length: CLIENT_ADDRESSES }, (_, index) => `${prefix}${10 + index}`)
    const talkers = Talkers.start({
      netns: this.#lab.netns('clients'),
      targets: [
        { host: SERVICE4, port: PORT, addresses: from('203.0.113.') },
        { host: SERVICE6, port: PORT, addresses: from('2001:db8:c::') },
      ],
      everyMs: TALK_MS,
      lifeMs,
    })
    this.#closers.add(() => talkers.close())
    return talkers
  }

  /** From now on the configuration names these servers. Agents that run apply it, the others when they start. */
  async configure(...members: readonly Edge[]): Promise<void> {
    this.#members = members
    for (const edge of members) if (this.#agents.has(edge)) await this.api(edge).apply({ config: this.#config() })
  }

  /** Starts the agent of a server, which adopts what is there. */
  async start(edge: Edge): Promise<void> {
    const agent = await AgentProcess.start(this.#place(edge), this.#config())
    this.#agents.set(edge, agent)
    this.#closers.add(() => agent.close())
  }

  async kill(edge: Edge): Promise<void> {
    await this.#agents.get(edge)!.kill()
    this.#agents.delete(edge)
  }

  /** Takes everything away from a server. Its agent ends then. */
  async down(edge: Edge): Promise<void> {
    await this.api(edge).down()
    this.#agents.delete(edge)
  }

  /** The router spreads packets over these servers from now on. */
  route(...edges: readonly Edge[]): void {
    const numbers = edges.map((edge) => edge.slice(-1))
    const hops = (addresses: readonly string[]) => addresses.map((address) => `nexthop via ${address}`).join(' ')
    ipBatch(this.#lab.netns('router'), [
      `route replace ${SERVICE4}/32 ${hops(numbers.map((number) => `10.0.${number}.2`))}`,
      `route del ${SERVICE6}/128`,
      `route add ${SERVICE6}/128 ${hops(numbers.map((number) => `fd00:0:0:${number}::2`))}`,
    ])
  }

  /** The agent of a server. */
  api(edge: Edge): ApiClient {
    return new ApiClient(join(this.#place(edge).run, 'seawall.sock'))
  }

  /** What the kernels say, whether agents run or not. */
  async counted(): Promise<Counted> {
    const counted: Record<string, { buckets: number; packets: number }> = {}
    for (const [edge, kernel] of this.#kernels) {
      const { balancer } = await kernel.status()
      const shares = balancer === undefined ? [] : await sharesOf(kernel)
      counted[edge] = {
        buckets: shares.find(({ backend }) => backend === edge)?.buckets ?? 0,
        packets: Object.values(balancer?.outcomes ?? {}).reduce((sum, packets) => sum + packets, 0),
      }
    }
    return counted
  }

  async close(): Promise<void> {
    for (const agent of this.#agents.values()) await agent.stop()
    for (const kernel of this.#kernels.values()) await kernel.down()
    await this.#closers.close()
  }

  #place(edge: Edge) {
    const bpf = join(BPFFS, `${ownPrefix()}${edge}`)
    return { netns: this.#lab.netns(edge), bpf, run: join(this.#directory, edge) }
  }

  /** The same for all servers. */
  #config(): string {
    const path = join(this.#directory, 'seawall.json')
    const backends = Object.fromEntries(this.#members.map((edge) => [edge, `10.0.${edge.slice(-1)}.2`]))
    const services = [SERVICE4, SERVICE6].map((address) => ({ address, port: PORT, protocol: 'tcp' }))
    const balancer = { key: KEY, backends, services, fleet: {} }
    writeFileSync(path, JSON.stringify({ interfaces: ['eth0'], balancer }))
    return path
  }
}
