import { Assembler, fp, Helper, r0, r1, r2, r3, r6 } from '../rules/asm/index.ts'
import { STAGES } from './layout.ts'

const XDP_PASS = 2
/** Offsets in `struct xdp_md`. */
const DATA = 0
const DATA_END = 4

/**
 * The XDP program on every interface. It counts what it receives, so that all verdicts together can be checked against it, and
 * goes on to the first stage. Stages are swapped in a program array, under traffic, one slot at a time. A packet passes as
 * long as the slot is empty.
 */
export function assembleEntry(fdOf: (map: 'received' | 'stages') => number): Uint8Array {
  const program = new Assembler()
  const next = program.label('next')
  program.mov(r6, r1)
  program.storeStack('u32', -4, 0)
  program.mov(r2, fp)
  program.alu('add', r2, -4)
  program.loadMap(r1, 'received')
  program.call(Helper.mapLookup)
  program.jumpIf(r0, '==', 0, next)
  count(program)
  program.bind(next)
  program.mov(r1, r6)
  program.loadMap(r2, 'stages')
  program.mov(r3, STAGES.firewall)
  program.call(Helper.tailCall)
  program.mov(r0, XDP_PASS)
  program.exit()
  return program.assemble((map) => fdOf(map as 'received' | 'stages'))
}

/** The array is per CPU, so plain additions do. */
function count(program: Assembler): void {
  program.load('u64', r1, r0, 0)
  program.alu('add', r1, 1)
  program.store('u64', r0, 0, r1)
  program.load('u32', r2, r6, DATA_END)
  program.load('u32', r3, r6, DATA)
  program.alu('sub', r2, r3)
  program.load('u64', r1, r0, 8)
  program.alu('add', r1, r2)
  program.store('u64', r0, 8, r1)
}
