import { Program } from '../../src/bpf/index.ts'
import { Assembler, type Label, r0, r1, r2, r3, r6, r7 } from '../../src/rules/asm/index.ts'
import { type ClassicProgram, DirectAccess, emitClassic } from '../../src/rules/classic/index.ts'
import { TRACE, TRACE_RECORDS } from '../../src/rules/compile/index.ts'
import { XdpSource } from '../../src/rules/compile/source/xdp.ts'

/** Loads a classic program, translated, as an XDP program that writes 1 or 0 to the trace as slot and verdict. */
export function loadClassic(program: ClassicProgram, trace: number): Promise<Program> {
  const asm = new Assembler()
  const [hit, miss, done, full] = ['hit', 'miss', 'done', 'full'].map((name) => asm.label(name)) as [
    Label,
    Label,
    Label,
    Label,
  ]
  asm.mov(r6, r1)
  emitClassic(asm, program, {
    access: new DirectAccess(new XdpSource(asm)),
    cell: (cell) => -8 * (cell + 1),
    hit,
    miss,
  })
  asm.bind(miss)
  asm.mov(r7, 0)
  asm.jump(done)
  asm.bind(hit)
  asm.mov(r7, 1)
  asm.bind(done)
  asm.loadMapValue(r1, TRACE)
  asm.load('u64', r2, r1, 0)
  asm.jumpIf(r2, '>=', TRACE_RECORDS, full)
  asm.mov(r3, r2)
  asm.alu('add', r3, 1)
  asm.store('u64', r1, 0, r3)
  asm.alu('lsh', r2, 3)
  asm.alu('add', r1, r2)
  asm.store('u32', r1, 8, r7)
  asm.store('u32', r1, 12, r7)
  asm.bind(full)
  asm.mov(r0, r7)
  asm.exit()
  const instructions = asm.assemble(() => trace)
  return Program.load({ type: 'xdp', name: 'classic', instructions, license: 'Dual BSD/GPL' })
}
