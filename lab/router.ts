import type { BpfObject, Link } from '../src/bpf/index.ts'
import { findInterface } from '../src/linux/interface.ts'
import { inNetns, type Netns } from '../src/linux/netns.ts'
import { loadLabObject } from './object.ts'

/** Forwards in XDP what comes in at one port of a router, by the kernel's routing table (lab/bpf/router.bpf.c). */
export class Router {
  readonly #object: BpfObject
  readonly #netns: Netns
  readonly #links: Link[] = []

  private constructor(object: BpfObject, netns: Netns) {
    this.#object = object
    this.#netns = netns
  }

  /**
   * Where packets go, the receiving end of the cable must have NAPI: generic receive offload or an XDP program, or they
   * are lost.
   */
  static async attach(netns: Netns, port: string): Promise<Router> {
    const object = await loadLabObject('router')
    try {
      const router = new Router(object, netns)
      router.#attach('router', port)
      object.map('outside').setRaw(new Uint8Array(4), u32(findInterface(netns, port).ifindex))
      return router
    } catch (cause) {
      object.close()
      throw cause
    }
  }

  /**
   * At the port of an edge, drops what is on its way to the first port: answers to addresses that do not exist. A program at this end is
   * also what XDP_TX at the other needs to reach it.
   */
  dropAnswers(port: string): void {
    this.#attach('answers', port)
  }

  #attach(name: string, port: string): void {
    const { ifindex } = findInterface(this.#netns, port)
    const program = this.#object.program(name)
    this.#links.push(inNetns(this.#netns, () => program.attachXdp({ ifindex, mode: 'native' })))
  }

  /** Packets that the program forwarded itself, left to the kernel, and dropped for want of a route. */
  outcomes(): { readonly forwarded: number; readonly leftToKernel: number; readonly noRoute: number } {
    const map = this.#object.map('outcomes')
    const [forwarded, leftToKernel, noRoute] = [0, 1, 2].map((index) =>
      sumCpus(map.getRaw(Uint8Array.of(index, 0, 0, 0))),
    )
    return { forwarded: forwarded!, leftToKernel: leftToKernel!, noRoute: noRoute! }
  }

  close(): void {
    for (const link of this.#links) link.close()
    this.#object.close()
  }
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** A per-CPU value is one u64 a CPU, one after the other. */
function sumCpus(value: Uint8Array | undefined): number {
  if (value === undefined) return 0
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  let sum = 0
  for (let at = 0; at < value.length; at += 8) sum += Number(view.getBigUint64(at, true))
  return sum
}
