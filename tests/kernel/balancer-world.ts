import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Lab } from '../../lab/lab.ts'
import { CLIENT_ADDRESSES, pointOfPresence, SERVICE4, SERVICE6 } from '../../lab/point-of-presence.ts'
import { startTalkServer, Talkers } from '../../lab/talk/talkers.ts'
import { LocalControl } from '../../src/agent/index.ts'
import { type Link, Program } from '../../src/bpf/index.ts'
import { removePins } from '../../src/entry/pins.ts'
import { findInterface } from '../../src/linux/interface.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** `mov r0, XDP_PASS; exit` */
const PASS = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

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

  private constructor(lab: Lab, edges: readonly string[]) {
    this.lab = lab
    this.edges = edges
    this.#closers.push(() => lab.close())
    this.#folder = mkdtempSync(join(tmpdir(), 'seawall-balancer-'))
    this.#closers.push(() => rmSync(this.#folder, { recursive: true, force: true }))
    worlds += 1
  }

  static async build(edges: number, { edgeMtu = EDGE_MTU } = {}): Promise<BalancerWorld> {
    const names = Array.from({ length: edges }, (_, index) => `edge${index + 1}`)
    const world = new BalancerWorld(Lab.build(pointOfPresence({ edges, edgeMtu })), names)
    // XDP_TX over a veth reaches the other end only if a program is attached there.
    for (const name of names) world.#closers.push(await passing(world.lab.netns('router'), name))
    return world
  }

  netns(node: string): string {
    return this.lab.netns(node)
  }

  /** Where the state of an edge is. */
  paths(edge: string) {
    const name = `seawall-test-${process.pid}-${worlds}-${edge}`
    return { bpf: `/sys/fs/bpf/${name}`, run: join(this.#folder, edge, 'run'), netns: this.netns(edge) }
  }

  /** The configuration of all edges, as a file. */
  config(balancer: object, firewall: object = {}): string {
    const path = join(this.#folder, 'seawall.json')
    writeFileSync(path, JSON.stringify({ interfaces: ['eth0'], firewall, balancer: { key: KEY, ...balancer } }))
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
  talkers(port: number): Talkers {
    const addresses = Array.from({ length: CLIENT_ADDRESSES }, (_, index) => `203.0.113.${10 + index}`)
    const talkers = Talkers.start({ netns: this.netns('clients'), host: SERVICE4, port, addresses })
    this.#closers.push(() => talkers.close())
    return talkers
  }

  /** On every edge a server that answers with its name. */
  async serve(port: number): Promise<void> {
    for (const edge of this.edges) {
      const child = await startTalkServer(this.netns(edge), edge, port)
      this.#closers.push(() => child.kill('SIGKILL'))
    }
  }

  /** Puts a configuration in force on all edges. */
  async apply(balancer: object): Promise<void> {
    const config = this.config(balancer)
    for (const edge of this.edges) await this.control(edge).apply({ config })
  }

  /** Starts the agent of an edge, in a process of its own, and returns when it is ready. */
  async startAgent(edge: string, config: string): Promise<ChildProcess> {
    // So that what it leaves in the kernel is removed.
    this.control(edge)
    const { bpf, run } = this.paths(edge)
    const child = start(process.execPath, ['--import', 'tsx', CLI, 'up', '--json', '--no-watch', '--config', config], {
      netns: this.netns(edge),
      env: { ...process.env, SEAWALL_PINS: bpf, SEAWALL_RUN: run },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#closers.push(() => child.kill('SIGKILL'))
    await untilReady(child)
    return child
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

/** Its log has one JSON object a line. */
function untilReady(agent: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    agent.once('exit', (code) => reject(new Error(`Cannot start the agent: it ended with ${code}`)))
    createInterface({ input: agent.stdout! }).on('line', (line) => {
      if (process.env.SEAWALL_TEST_LOG) process.stderr.write(`${line}\n`)
      if (line.includes('"event":"ready"')) resolve()
    })
  })
}

async function passing(netns: string, name: string): Promise<() => void> {
  const program = await Program.load({ type: 'xdp', name: 'passing', instructions: PASS, license: 'GPL' })
  const { ifindex } = findInterface(netns, name)
  const link: Link = inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' }))
  return () => {
    link.close()
    program.close()
  }
}

export { SERVICE4, SERVICE6 }
