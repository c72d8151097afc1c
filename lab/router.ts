import type { BpfObject, Link } from '../src/bpf/index.ts'
import { findInterface } from '../src/linux/interface.ts'
import { inNetns, type Netns } from '../src/linux/netns.ts'
import { loadLabObject } from './object.ts'

/** Forwards in XDP what comes in at one port of a router, by the kernel's routing table (lab/bpf/router.bpf.c). */
export class Router {
  readonly #object: BpfObject
  readonly #link: Link

  private constructor(object: BpfObject, link: Link) {
    this.#object = object
    this.#link = link
  }

  /**
   * Where packets go, the receiving end of the cable must have NAPI: generic receive offload or an XDP program, or they
   * are lost.
   */
  static async attach(netns: Netns, port: string): Promise<Router> {
    const object = await loadLabObject('router')
    try {
      const { ifindex } = findInterface(netns, port)
      const program = object.program('router')
      return new Router(
        object,
        inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' })),
      )
    } catch (cause) {
      object.close()
      throw cause
    }
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
    this.#link.close()
    this.#object.close()
  }
}

/** A per-CPU value is one u64 a CPU, one after the other. */
function sumCpus(value: Uint8Array | undefined): number {
  if (value === undefined) return 0
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  let sum = 0
  for (let at = 0; at < value.length; at += 8) sum += Number(view.getBigUint64(at, true))
  return sum
}
