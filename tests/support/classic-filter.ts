import { Program } from '../../src/bpf/index.ts'
import { Assembler, type Label, r0, r1, r6, r7, r9 } from '../../src/rules/asm/index.ts'
import { type ClassicProgram, DirectAccess, emitClassic } from '../../src/rules/classic/index.ts'
import { XdpSource } from '../../src/rules/compile/source/xdp.ts'
import { emitTrace } from '../../src/rules/compile/verdict.ts'

/** Loads a classic program, translated, as an XDP program that writes 1 or 0 to the trace as slot and verdict. */
export function loadClassic(program: ClassicProgram, trace: number): Promise<Program> {
  const asm = new Assembler()
  const [hit, miss, done] = ['hit', 'miss', 'done'].map((name) => asm.label(name)) as [Label, Label, Label]
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
  asm.mov(r9, r7)
  emitTrace(asm)
  asm.mov(r0, r7)
  asm.exit()
  const instructions = asm.assemble(() => trace)
  return Program.load({ type: 'xdp', name: 'classic', instructions, license: 'Dual BSD/GPL' })
}
