import { Program } from '../src/bpf/index.ts'
import { findInterface } from '../src/linux/interface.ts'
import { inNetns, type Netns } from '../src/linux/netns.ts'

/** `mov r0, XDP_PASS; exit` */
const PASS = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

/**
 * Attaches a program that passes all packets: what XDP sends back over a veth reaches the other end only if there is a program. Returns
 * how to detach it.
 */
export async function attachPassing(netns: Netns, name: string): Promise<() => void> {
  const program = await Program.load({ type: 'xdp', name: 'passing', instructions: PASS, license: 'GPL' })
  const { ifindex } = findInterface(netns, name)
  const link = inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' }))
  return () => {
    link.close()
    program.close()
  }
}
