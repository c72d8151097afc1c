import { writeFileSync } from 'node:fs'
import { type BpfMap, type Link, Program } from '../../src/bpf/index.ts'
import { findInterface, ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { Assembler, r0, r1, r2, r3, r7 } from '../../src/rules/asm/index.ts'
import { loadReturning, XDP_PASS } from '../kernel/bpf-programs.ts'
import { memory } from './load-rules.ts'

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
  #sweeper: { readonly program: Program; readonly link: Link; readonly next: BpfMap } | undefined

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
    const context = this.#context
    new DataView(context.buffer).setUint32(4, frame.length, true)
    inNetns(this.netns, () => this.#program.testRun({ data: frame, context, liveFrames: true, repeat: times }))
  }

  /** The interface receives a UDP frame over IPv4 without a checksum for each of some ports in turn, from where the last sweep ended. */
  sweep(frame: Uint8Array, packets: number): void {
    const context = this.#context
    new DataView(context.buffer).setUint32(4, frame.length, true)
    const run = { data: frame, context, liveFrames: true, repeat: packets }
    inNetns(this.netns, () => this.#sweeper!.program.testRun(run))
  }

  /** The ports that {@link sweep} goes through. */
  async sweepPorts(from: number, to: number): Promise<void> {
    const next = memory('next', 8)
    const program = await sweepProgram(next, from, to)
    const link = inNetns(this.netns, () =>
      program.attachXdp({ ifindex: findInterface(this.netns, 'wire1').ifindex, mode: 'native' }),
    )
    this.#sweeper = { program, link, next }
  }

  close(): void {
    for (const handle of Object.values(this.#sweeper ?? {})) handle.close()
    this.#link.close()
    this.#program.close()
    removeNetns(this.netns)
  }
}

/** Offset of the destination port in a UDP frame over IPv4. */
const PORT = 14 + 20 + 2

/** Gives each frame the next port. */
function sweepProgram(next: BpfMap, from: number, to: number): Promise<Program> {
  const asm = new Assembler()
  const out = asm.label('out')
  asm.load('u32', r7, r1, 0)
  asm.load('u32', r2, r1, 4)
  asm.mov(r3, r7)
  asm.alu('add', r3, PORT + 2)
  asm.jumpIf(r3, '>', r2, out)
  asm.loadMapValue(r1, 'next')
  asm.load('u64', r2, r1, 0)
  asm.mov(r3, r2)
  asm.alu('add', r3, 1)
  asm.store('u64', r1, 0, r3)
  asm.alu('mod', r2, to - from + 1)
  asm.alu('add', r2, from)
  asm.swap(r2, 16)
  asm.store('u16', r7, PORT, r2)
  asm.bind(out)
  asm.mov(r0, XDP_PASS)
  asm.exit()
  return Program.load({
    type: 'xdp',
    name: 'sweep',
    instructions: asm.assemble(() => next.fd),
    license: 'Dual BSD/GPL',
  })
}
