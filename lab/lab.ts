import { writeFileSync } from 'node:fs'
import { requireCapabilities } from '../src/linux/capabilities.ts'
import { ipBatch, setOffloads } from '../src/linux/interface.ts'
import { createNetns, inNetns } from '../src/linux/netns.ts'
import { destroyNetns, ownPrefix, sweepLeftovers } from './owner.ts'
import { type NodePlan, plan } from './plan.ts'
import type { Topology } from './topology.ts'

let labs = 0

/** A topology made real. All traffic stays inside its namespaces; {@link Lab.close} removes them. */
export class Lab {
  readonly topology: Topology
  readonly #prefix: string
  readonly #made: string[] = []
  readonly #atExit = () => this.close()

  private constructor(topology: Topology) {
    this.topology = topology
    labs += 1
    this.#prefix = `${ownPrefix()}${labs}-`
  }

  /**
   * Builds a topology, after removing what crashed runs left behind. It is removed when the process exits, also by
   * SIGINT, SIGTERM or SIGHUP unless the process handles those itself.
   *
   * @throws LinuxError PRIVILEGE_MISSING without CAP_NET_ADMIN and CAP_SYS_ADMIN.
   */
  static build(topology: Topology): Lab {
    requireCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], 'building network namespaces')
    sweepLeftovers()
    const lab = new Lab(topology)
    exitOnSignals()
    process.once('exit', lab.#atExit)
    try {
      lab.#build()
    } catch (cause) {
      lab.close()
      throw cause
    }
    return lab
  }

  /** The network namespace of a node. */
  netns(node: string): string {
    if (!this.topology.nodes.some(({ name }) => name === node)) {
      const known = this.topology.nodes.map(({ name }) => name).join(', ')
      throw new RangeError(`Cannot find node "${node}": this lab has ${known}`)
    }
    return this.#prefix + node
  }

  /** Ends all processes inside and removes the namespaces. May be called again. */
  close(): void {
    process.removeListener('exit', this.#atExit)
    while (this.#made.length > 0) destroyNetns(this.#made.pop()!)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #build(): void {
    const plans = plan(this.topology, (node) => this.netns(node))
    for (const { node } of plans) {
      createNetns(this.netns(node))
      this.#made.push(this.netns(node))
    }
    for (const one of plans) this.#setSysctls(one)
    for (const { node, links } of plans) ipBatch(this.netns(node), links)
    for (const { node, settings } of plans) ipBatch(this.netns(node), settings)
    this.#disableChecksumOffload()
  }

  /** Before any link exists, because links copy the defaults when they are made. */
  #setSysctls({ node, sysctls }: NodePlan): void {
    inNetns(this.netns(node), () => {
      for (const [file, value] of sysctls) writeFileSync(`/proc/sys/net/${file}`, value)
    })
  }

  /** A veth leaves checksums to hardware that is not there; XDP programs and redirected frames need real ones. */
  #disableChecksumOffload(): void {
    for (const { ends } of this.topology.links) {
      for (const end of ends) setOffloads(this.netns(end.node), end.interface, { tx: 'off' })
    }
  }
}

let handlesSignals = false

/** A signal's default is to end the process without its exit handlers, which would leave the namespaces. */
function exitOnSignals(): void {
  if (handlesSignals) return
  handlesSignals = true
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(128 + number))
  }
}
