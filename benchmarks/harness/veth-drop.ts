import { Program } from '../../src/bpf/index.ts'
import {
  driverCounters,
  findInterface,
  type Interface,
  ip,
  ipBatch,
  setOffloads,
  threadNapi,
} from '../../src/linux/interface.ts'
import { createNetns, inNetns, listNetns, removeNetns } from '../../src/linux/netns.ts'
import { pinToCpu, threadCpuTime } from '../../src/linux/process.ts'
import { MEASURED_CPU, onCpu } from './on-cpu.ts'
import { type Timing, timingOf } from './timing.ts'

/** The packets of one sample: a tenth of a second of sending at full speed. */
const BURST = 1_000_000

const SENDING_CPU = 0

/** `mov r0, XDP_TX; exit`: what is sent with live frames leaves by the interface it claims to have come from. */
const REFLECT = Uint8Array.of(0xb7, 0, 0, 0, 3, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

/**
 * A veth pair between two namespaces: packets are sent in at one end as fast as the kernel can, and whatever is set up at the other
 * end drops them there. What counts is the CPU time of the receiving end's own thread for each packet it took, so that
 * neither the sender nor packets lost in the ring between them matter.
 */
export class VethDrop {
  /** The receiving end: attach or configure here what is to be measured. */
  readonly receiver: Interface
  readonly #sender: Interface
  readonly #program: Program
  readonly #thread: number

  private constructor(sender: Interface, receiver: Interface, program: Program, thread: number) {
    this.#sender = sender
    this.receiver = receiver
    this.#program = program
    this.#thread = thread
  }

  static async create(): Promise<VethDrop> {
    const [from, to] = [`seawall-bench-${process.pid}-tx`, `seawall-bench-${process.pid}-rx`]
    try {
      connect(from, to)
      const [thread] = threadNapi(to, 'rx0')
      if (thread === undefined) throw new Error('Cannot measure at rx0: the kernel gave it no NAPI thread')
      pinToCpu(thread, MEASURED_CPU)
      const program = await Program.load({ type: 'xdp', name: 'reflect', instructions: REFLECT, license: 'GPL' })
      return new VethDrop(findInterface(from, 'tx0'), findInterface(to, 'rx0'), program, thread)
    } catch (error) {
      for (const name of listNetns()) if (name === from || name === to) removeNetns(name)
      throw error
    }
  }

  /** Packets that the receiving end took so far, whatever became of them. */
  received(): number {
    const { netns, name } = this.receiver
    return driverCounters(netns, name).get('rx_queue_0_xdp_packets') ?? 0
  }

  /** Nanoseconds of the receiving CPU a packet. */
  measure(packet: Uint8Array, samples: number): Timing {
    this.#burst(packet)
    return timingOf(Array.from({ length: samples }, () => this.#sample(packet)))
  }

  close(): void {
    this.#program.close()
    removeNetns(this.#sender.netns!)
    removeNetns(this.receiver.netns!)
  }

  #sample(packet: Uint8Array): number {
    const [packets, time] = [this.received(), threadCpuTime(this.#thread)]
    this.#burst(packet)
    return Number(threadCpuTime(this.#thread) - time) / (this.received() - packets)
  }

  #burst(packet: Uint8Array): void {
    const context = new Uint8Array(24)
    const view = new DataView(context.buffer)
    view.setUint32(4, packet.length, true)
    view.setUint32(12, this.#sender.ifindex, true)
    const send = (): unknown =>
      this.#program.testRun({ data: packet, context, repeat: BURST, liveFrames: true, batchSize: 64 })
    onCpu(SENDING_CPU, () => inNetns(this.#sender.netns, send))
  }
}

/** A veth from `tx0` in one new namespace to `rx0` in another. */
function connect(from: string, to: string): void {
  createNetns(from)
  createNetns(to)
  ip(from, ['link', 'add', 'tx0', 'type', 'veth', 'peer', 'name', 'rx0', 'netns', to])
  ipBatch(from, ['link set tx0 up'])
  ipBatch(to, ['link set rx0 address 02:00:00:00:00:02', 'link set rx0 up', 'addr add 10.99.0.2/24 dev rx0'])
  // NAPI, which takes frames as they are, runs at an end only with GRO (or an XDP program).
  setOffloads(from, 'tx0', { gro: 'on' })
  setOffloads(to, 'rx0', { gro: 'on' })
}
