import { type Label, r0, r1, r2, r4, r5, r8, r9 } from '../../asm/index.ts'
import type { ParseContext } from './context.ts'

/** Slot that is 1 if there is a well-formed first question. */
export const QUESTION = 'dns.question'

/**
 * Slots with where the last labels of the name begin, counted from the name's start, a byte each: the lowest is the root's (the final
 * zero), the next the last label's.
 */
export const labelStarts = (slot: number): string => `${LABEL_STARTS}${slot}`
const LABEL_STARTS = 'dns.qry.name labels '
export const LABELS_A_SLOT = 8

const HEADER = 12
const MAX_LABELS = 127
/** Where the final zero of a name can lie at the latest (RFC 1035: 255 bytes in all). */
const MAX_NAME = 254

/** DNS in a UDP payload at the cursor with r5 bytes, if r2. */
export function emitDns(ctx: ParseContext): void {
  const { asm } = ctx
  asm.jumpIf(r2, '==', 0, ctx.parsed)
  ctx.needInPacket(HEADER, ctx.parsed)
  ctx.fact('dns')
  ctx.saveFields([
    { field: 'dns.id', size: 'u16', at: 0 },
    { field: 'dns.flags', size: 'u16', at: 2 },
    { field: 'dns.flags.opcode', size: 'u8', at: 2, right: 3, mask: 15 },
    { field: 'dns.count.queries', size: 'u16', at: 4 },
    { field: 'dns.count.answers', size: 'u16', at: 6 },
  ])
  ctx.saveFacts([{ field: 'dns.flags.response', at: 2, mask: 0x80 }])
  if (!(ctx.usesAny('dns.qry') || ctx.uses('dns.count.labels') || ctx.uses(QUESTION))) return
  asm.load('u16', r0, r9, 4)
  asm.jumpIf(r0, '==', 0, ctx.parsed)
  asm.alu('add', r9, HEADER)
  asm.alu('sub', r5, HEADER)
  emitWalk(ctx)
  emitQuestion(ctx)
}

/** Walks the labels: r2 = offset of the final zero, r4 = labels; leaves for `parsed` if the name is not well formed. */
function emitWalk(ctx: ParseContext): void {
  const { asm } = ctx
  const [top, done] = [asm.label('dns label'), asm.label('dns name')] as [Label, Label]
  asm.mov(r2, 0)
  asm.mov(r4, 0)
  asm.bind(top)
  asm.jumpIf(r2, '>', MAX_NAME, ctx.parsed)
  asm.jumpIf(r2, '>=', r5, ctx.parsed)
  emitLabelStart(ctx)
  asm.mov(r1, r9)
  asm.alu('add', r1, r2)
  asm.mov(r0, r1)
  asm.alu('add', r0, 1)
  asm.jumpIf(r0, '>', r8, ctx.parsed)
  asm.load('u8', r0, r1, 0)
  asm.jumpIf(r0, '==', 0, done)
  asm.jumpIf(r0, '>', 63, ctx.parsed)
  asm.alu('add', r2, r0)
  asm.alu('add', r2, 1)
  asm.alu('add', r4, 1)
  asm.jumpIf(r4, '<=', MAX_LABELS, top)
  asm.jump(ctx.parsed)
  asm.bind(done)
}

/** Push r2 onto the starts of labels; those before move up by a byte. Uses r0 and r1. */
function emitLabelStart(ctx: ParseContext): void {
  const { asm, stack } = ctx
  for (let slot = ctx.slots(LABEL_STARTS).length - 1; slot >= 0; slot--) {
    asm.loadStack('u64', r1, stack.slot(labelStarts(slot)))
    asm.alu('lsh', r1, 8)
    if (slot === 0) asm.alu('or', r1, r2)
    else {
      asm.loadStack('u64', r0, stack.slot(labelStarts(slot - 1)))
      asm.alu('rsh', r0, 56)
      asm.alu('or', r1, r0)
    }
    ctx.forget(r1, r0)
    asm.storeStack('u64', stack.slot(labelStarts(slot)), r1)
  }
}

function emitQuestion(ctx: ParseContext): void {
  const { asm } = ctx
  asm.mov(r0, r2)
  asm.alu('add', r0, 5)
  asm.jumpIf(r0, '>', r5, ctx.parsed)
  asm.mov(r1, r9)
  asm.alu('add', r1, r2)
  asm.mov(r0, r1)
  asm.alu('add', r0, 5)
  asm.jumpIf(r0, '>', r8, ctx.parsed)
  for (const [field, at] of [
    ['dns.qry.type', 1],
    ['dns.qry.class', 3],
  ] as const) {
    if (!ctx.uses(field)) continue
    asm.load('u16', r0, r1, at)
    asm.swap(r0, 16)
    ctx.save(field, r0)
  }
  if (ctx.uses(QUESTION)) asm.storeStack('u64', ctx.stack.slot(QUESTION), 1)
  ctx.save('dns.count.labels', r4)
  const root = asm.label('root')
  asm.jumpIf(r2, '==', 0, root)
  asm.alu('sub', r2, 1)
  asm.bind(root)
  ctx.save('dns.qry.name.len', r2)
}
