import { type Assembler, Helper, r0, r1, r2, r3, r6, r7 } from '../asm/index.ts'
import type { Rule } from '../ast.ts'
import { emitCaptures, placeCaptures } from './capture.ts'
import { type Copiers, emitTakeOver } from './handover.ts'
import { emitSample } from './sample.ts'
import type { PacketSource } from './source/source.ts'
import { XdpSource } from './source/xdp.ts'
import { FRAME_LENGTH, Stack } from './stack.ts'
import { Xdp } from './xdp.ts'

/** Program array of the stages behind the rules. */
export const STAGES = 'stages'

/** @throws CompileError too_many_captures */
export function copiersOf(rules: readonly Rule[]): Copiers {
  const samples = rules.some(({ action, capture }) => action.kind === 'sample' && capture === undefined)
  return { samples, captures: placeCaptures(rules) }
}

/** Copy the packet to whoever wants it, with the deciding slot in r9 and the verdict in r7, which stay. */
export function emitCopies(asm: Assembler, stack: Stack, source: PacketSource, { samples, captures }: Copiers): void {
  if (samples) emitSample(asm, stack, source)
  emitCaptures(asm, stack, source, captures)
}

/** Go on at a slot of {@link STAGES}; behind it if there is no program. */
export function emitTailCall(asm: Assembler, stage: number): void {
  asm.mov(r1, r6)
  asm.loadMap(r2, STAGES)
  asm.mov(r3, stage)
  asm.call(Helper.tailCall)
}

/**
 * Emits the last stage for XDP: it copies packets on which a stage before it had the last word, with that. A packet that is to be
 * answered is still as it came: the program in the slot `answer` makes the answer of it.
 */
export function emitCopiesStage(asm: Assembler, copiers: Copiers, answer: number): void {
  const stack = new Stack()
  const source = new XdpSource(asm)
  const [end, missing] = [asm.label('end'), asm.label('nothing was handed over')]
  source.emitBegin()
  asm.storeStack('u64', stack.slot(FRAME_LENGTH), r0)
  emitTakeOver(asm, stack, copiers, missing)
  emitCopies(asm, stack, source, copiers)
  asm.jumpIf(r7, '!=', Xdp.tx, end)
  emitTailCall(asm, answer)
  asm.bind(missing)
  asm.mov(r7, Xdp.pass)
  asm.bind(end)
  source.emitReturn()
}
