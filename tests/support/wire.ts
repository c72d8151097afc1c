import { writeFileSync } from 'node:fs'
import type { Link, Program } from '../../src/bpf/index.ts'
import { findInterface, ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { loadReturning, XDP_PASS } from '../kernel/bpf-programs.ts'
import { memory } from './load-rules.ts'
import { loadSweep, type Sweep } from './sweep-program.ts'

/** Every address of these is local: packets to all of them arrive. */
const LOCAL = ['10.0.0.0/8', '2001:db8::/32']

/** A network namespace with an interface that receives what a test hands it, through the whole stack and before the call returns. */
export class Wire {
  readonly netns: string
  /** MAC address of the interface. */
  readonly mac = '02:00:00:00:00:01'
  readonly #program: Program
  readonly #link: Link
  readonly #context: Uint8Array
  #sweeper:
    | { readonly frame: Uint8Array; readonly program: Program; readonly handles: readonly { close(): void }[] }
    | undefined

  private constructor(netns: string, program: Program) {
    this.netns = netns
    this.#program = program
    const { ifindex } = findInterface(netns, 'wire0')
    // Attached, because a test run of a program that is attached nowhere takes 16 ms more.
    this.#link = inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' }))
    // `struct xdp_md`: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex
    this.#context = new Uint8Array(Uint32Array.of(0, 0, 0, ifindex, 0, 0).buffer)
  }

  static async create(netns: string): Promise<Wire> {
    createNetns(netns)
    try {
      inNetns(netns, () => {
        for (const name of ['all', 'default'] as const) {
          writeFileSync(`/proc/sys/net/ipv4/conf/${name}/accept_local`, '1')
          writeFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, '0')
        }
      })
      ipBatch(netns, [
        'link add wire0 address 02:00:00:00:00:01 type veth peer name wire1',
        'link set wire0 up',
        'link set wire1 up',
        ...LOCAL.map((prefix) => `route add local ${prefix} dev lo`),
      ])
      return new Wire(netns, await loadReturning('xdp', XDP_PASS))
    } catch (error) {
      removeNetns(netns)
      throw error
    }
  }

  /** The interface receives a frame. */
  receive(frame: Uint8Array, times = 1): void {
    this.#run(this.#program, frame, times)
  }

  /** Has the interface get a UDP frame over IPv4 without a checksum, as often as {@link sweep} says, each time with what is next in a sweep. */
  async prepareSweep(frame: Uint8Array, sweep: Sweep): Promise<void> {
    this.#endSweep()
    const next = memory('next', 8)
    const program = await loadSweep(next, sweep, frame)
    const link = inNetns(this.netns, () =>
      program.attachXdp({ ifindex: findInterface(this.netns, 'wire1').ifindex, mode: 'native' }),
    )
    this.#sweeper = { frame, program, handles: [link, program, next] }
  }

  /** From where the last sweep ended. */
  sweep(packets: number): void {
    const { frame, program } = this.#sweeper!
    this.#run(program, frame, packets)
  }

  close(): void {
    this.#endSweep()
    this.#link.close()
    this.#program.close()
    removeNetns(this.netns)
  }

  #endSweep(): void {
    for (const handle of this.#sweeper?.handles ?? []) handle.close()
  }

  #run(program: Program, frame: Uint8Array, repeat: number): void {
    const context = this.#context
    new DataView(context.buffer).setUint32(4, frame.length, true)
    inNetns(this.netns, () => program.testRun({ data: frame, context, liveFrames: true, repeat }))
  }
}
