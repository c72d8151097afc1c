import type { Assembler } from '../../asm/index.ts'
import type { AttachPoint } from '../attach-point.ts'
import type { Stack } from '../stack.ts'
import { SocketSource } from './socket.ts'
import type { PacketSource } from './source.ts'
import { XdpSource } from './xdp.ts'
import { XtBpfSource } from './xt-bpf.ts'

export { SCRATCH, SCRATCH_BUFFERS, SCRATCH_BYTES } from './scratch.ts'
export type { PacketSource } from './source.ts'

/** @param reach bytes of a payload that rules look at */
export function packetSource(attach: AttachPoint, asm: Assembler, stack: Stack, reach: number): PacketSource {
  switch (attach) {
    case 'xdp':
      return new XdpSource(asm)
    case 'socket':
      return new SocketSource(asm, stack, reach)
    case 'xt_bpf':
      return new XtBpfSource(asm, stack, reach)
  }
}
