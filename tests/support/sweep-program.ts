import { type BpfMap, Program } from '../../src/bpf/index.ts'
import { onesSum } from '../../src/net/checksum.ts'
import { Assembler, r0, r1, r2, r3, r4, r7 } from '../../src/rules/asm/index.ts'
import { XDP_PASS } from '../kernel/bpf-programs.ts'

/** Offsets in a UDP frame over IPv4. */
const CHECKSUM = 14 + 10
const ADDRESS_END = 14 + 20 - 2
const PORT = 14 + 20 + 2

/** Numbers of 16 bits that frames get one after the other: destination ports, or the ends of destination addresses. */
export interface Sweep {
  readonly what: 'ports' | 'addresses'
  readonly from: number
  readonly to: number
}

/** Apart, so that addresses that follow each other are not next to each other; no divisor of how many there are. */
const STRIDE = 7_919

/** Gives each frame, which is like a first one, what is next in a sweep; `next` counts them. */
export function loadSweep(next: BpfMap, { what, from, to }: Sweep, frame: Uint8Array): Promise<Program> {
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
  asm.alu('mul', r2, what === 'addresses' ? STRIDE : 1)
  asm.alu('mod', r2, to - from + 1)
  asm.alu('add', r2, from)
  if (what === 'addresses') emitChecksum(asm, frame)
  asm.swap(r2, 16)
  asm.store('u16', r7, what === 'addresses' ? ADDRESS_END : PORT, r2)
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

/** Of the IPv4 header whose address ends with r2. */
function emitChecksum(asm: Assembler, frame: Uint8Array): void {
  const header = frame.slice(14, 34)
  header.fill(0, CHECKSUM - 14, CHECKSUM - 12)
  header.fill(0, ADDRESS_END - 14)
  asm.mov(r3, r2)
  asm.alu('add', r3, onesSum(header))
  asm.mov(r4, r3)
  asm.alu('rsh', r4, 16)
  asm.alu('add', r3, r4)
  asm.alu('xor', r3, 0xffff)
  asm.swap(r3, 16)
  asm.store('u16', r7, CHECKSUM, r3)
}
