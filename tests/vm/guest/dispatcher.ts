import { Program } from '../../../src/bpf/index.ts'
import { findInterface, ipBatch } from '../../../src/linux/interface.ts'
import { createNetns, inNetns } from '../../../src/linux/netns.ts'

/** Programs that the kernel's XDP dispatcher has room for (BPF_DISPATCHER_MAX). */
const ROOM = 48

/** `mov r0, XDP_PASS; exit`. */
const PASS = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

/**
 * Fills the kernel's XDP dispatcher. It is code that the kernel writes anew whenever a program is attached or test-run, each
 * time waiting for all CPUs, which under emulation costs more than all else; for programs that it has no room for, nothing
 * is written. It stays full until this process ends.
 */
export async function fillDispatcher(): Promise<void> {
  const netns = 'dispatcher'
  createNetns(netns)
  const pairs = Array.from({ length: ROOM / 2 }, (_, index) => [`a${index}`, `b${index}`] as const)
  ipBatch(
    netns,
    pairs.map(([a, b]) => `link add ${a} type veth peer name ${b}`),
  )
  for (const name of pairs.flat()) {
    const program = await Program.load({ type: 'xdp', name: 'dispatched', instructions: PASS, license: 'GPL' })
    const { ifindex } = findInterface(netns, name)
    held.push(
      program,
      inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' })),
    )
  }
}

/** Links, which would end with their handles, and their programs. */
const held: Disposable[] = []
