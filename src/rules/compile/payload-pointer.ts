import { type Label, r0, r1, r2, r3 } from '../asm/index.ts'
import type { MatchContext } from './match-context.ts'
import { OFFSET_MASK } from './parse/context.ts'
import { payloadAt, payloadLength } from './parse/payload.ts'
import { loadSlot } from './stack.ts'

/** r1 = start of the payload, of which `bytes` bytes are there; r2 = its length, r3 = end of the frame. Uses r0. */
export function emitPayloadPointer(ctx: MatchContext, field: string, bytes: number, miss: Label): void {
  const { asm, source } = ctx
  loadSlot(asm, r2, ctx.stack.slot(payloadLength(field)))
  asm.jumpIf(r2, '<', bytes, miss)
  loadSlot(asm, r0, ctx.stack.slot(payloadAt(field)))
  asm.alu('and', r0, OFFSET_MASK)
  source.emitStart(r1)
  asm.alu('add', r1, r0)
  source.emitEnd(r3)
  asm.mov(r0, r1)
  asm.alu('add', r0, bytes)
  asm.jumpIf(r0, '>', r3, miss)
}
