import { type Label, r0, r1, r2, r3, r4, r5, r8, r9 } from '../../asm/index.ts'
import type { FieldName } from '../../fields.ts'
import { loadSlot, STEPS } from '../stack.ts'
import type { ParseContext } from './context.ts'
import { emitHeaderPlace, emitPayload, TCP_HEADER } from './payload.ts'

export function emitTcp(ctx: ParseContext): void {
  const { asm } = ctx
  ctx.needInPacket(20, ctx.fail('tcp_truncated'))
  asm.load('u8', r4, r9, 12)
  asm.alu('rsh', r4, 4)
  asm.jumpIf(r4, '<', 5, ctx.fail('tcp_header'))
  asm.alu('lsh', r4, 2)
  asm.jumpIf(r4, '>', r5, ctx.fail('tcp_truncated'))
  ctx.fact('tcp')
  emitHeaderPlace(ctx, TCP_HEADER, r4, r1)
  ctx.saveFields([
    { field: 'tcp.srcport', size: 'u16', at: 0 },
    { field: 'tcp.dstport', size: 'u16', at: 2 },
    { field: 'tcp.seq', size: 'u32', at: 4 },
    { field: 'tcp.ack', size: 'u32', at: 8 },
    { field: 'tcp.flags', size: 'u8', at: 13 },
    { field: 'tcp.window', size: 'u16', at: 14 },
    { field: 'tcp.urgent_pointer', size: 'u16', at: 18 },
  ])
  ctx.save('tcp.hdr_len', r4)
  if (ctx.usesAny('tcp.options')) emitOptions(ctx)
  if (ctx.usesAny('tcp.payload') || ctx.uses('tcp.len')) {
    asm.alu('and', r4, LENGTH_MASK)
    asm.alu('sub', r5, r4)
    ctx.save('tcp.len', r5)
    asm.alu('add', r9, r4)
    emitPayload(ctx, 'tcp.payload')
  }
  asm.jump(ctx.parsed)
}

interface Option {
  readonly kind: number
  readonly length: number
  readonly fact?: FieldName
  readonly values: readonly { readonly field: FieldName; readonly size: 'u8' | 'u16' | 'u32'; readonly at: number }[]
}

/** RFC 9293 (MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK permitted). */
const OPTIONS: readonly Option[] = [
  { kind: 2, length: 4, values: [{ field: 'tcp.options.mss', size: 'u16', at: 2 }] },
  { kind: 3, length: 3, values: [{ field: 'tcp.options.wscale', size: 'u8', at: 2 }] },
  { kind: 4, length: 2, fact: 'tcp.options.sack_perm', values: [] },
  {
    kind: 8,
    length: 10,
    fact: 'tcp.options.timestamp',
    values: [
      { field: 'tcp.options.tsval', size: 'u32', at: 2 },
      { field: 'tcp.options.tsecr', size: 'u32', at: 6 },
    ],
  },
]

const MAX_OPTIONS = 40
/** A header's length: 4 × 4 bits. */
const LENGTH_MASK = 0x3c

/** Options behind the fixed header; r4 = header length. r2 = offset of the option, r0 = kind, r1 = option. */
function emitOptions(ctx: ParseContext): void {
  const { asm } = ctx
  const fact = ctx.factBit('tcp.options')
  const done = asm.label('options done')
  asm.jumpIf(r4, '==', 20, done)
  if (fact !== undefined) asm.alu('or', r3, 1 << fact)
  const wanted = OPTIONS.filter(
    ({ fact, values }) =>
      (fact !== undefined && ctx.factBit(fact) !== undefined) || values.some(({ field }) => ctx.uses(field)),
  )
  if (wanted.length > 0) emitOptionLoop(ctx, wanted, done)
  asm.bind(done)
}

function emitOptionLoop(ctx: ParseContext, wanted: readonly Option[], done: Label): void {
  const { asm } = ctx
  const [top, skipOne] = [asm.label('option'), asm.label('no-op')] as [Label, Label]
  const steps = ctx.stack.slot(STEPS)
  const length = ctx.stack.slot('tcp option length')
  asm.mov(r2, 20)
  asm.storeStack('u64', steps, 0)
  asm.bind(top)
  for (const register of [r2, r3, r4]) ctx.forget(register)
  asm.loadStack('u64', r0, steps)
  asm.jumpIf(r0, '>', MAX_OPTIONS, done)
  asm.alu('add', r0, 1)
  asm.storeStack('u64', steps, r0)
  asm.alu('and', r2, 63)
  asm.jumpIf(r2, '>=', r4, done)
  asm.mov(r1, r9)
  asm.alu('add', r1, r2)
  needOption(ctx, 1, done)
  asm.load('u8', r0, r1, 0)
  asm.jumpIf(r0, '==', 0, done)
  asm.jumpIf(r0, '==', 1, skipOne)
  needOption(ctx, 2, done)
  emitLength(ctx, length, done)
  for (const option of wanted) emitOption(ctx, option, length, done)
  asm.loadStack('u64', r0, length)
  asm.alu('add', r2, r0)
  asm.jump(top)
  asm.bind(skipOne)
  asm.alu('add', r2, 1)
  asm.jump(top)
}

/** `bytes` bytes of the option at r1 lie in the frame, as the verifier sees it. Uses r0. */
function needOption({ asm }: ParseContext, bytes: number, otherwise: Label): void {
  asm.mov(r0, r1)
  asm.alu('add', r0, bytes)
  asm.jumpIf(r0, '>', r8, otherwise)
}

/** The option's length byte, checked against the header's end. */
function emitLength(ctx: ParseContext, slot: number, done: Label): void {
  const { asm } = ctx
  asm.mov(r0, r2)
  asm.alu('add', r0, 2)
  asm.jumpIf(r0, '>', r4, done)
  asm.load('u8', r0, r1, 1)
  asm.jumpIf(r0, '<', 2, done)
  asm.jumpIf(r0, '>', MAX_OPTIONS, done)
  asm.storeStack('u64', slot, r0)
  asm.alu('add', r0, r2)
  asm.jumpIf(r0, '>', r4, done)
}

function emitOption(ctx: ParseContext, { kind, length, fact, values }: Option, lengthSlot: number, done: Label): void {
  const { asm } = ctx
  const next = asm.label('other option')
  asm.load('u8', r0, r1, 0)
  asm.jumpIf(r0, '!=', kind, next)
  asm.loadStack('u64', r0, lengthSlot)
  asm.jumpIf(r0, '!=', length, next)
  needOption(ctx, length, done)
  if (fact !== undefined) ctx.fact(fact)
  for (const value of values) emitFirstValue(ctx, value)
  asm.bind(next)
}

/** The first of several options of a kind counts. */
function emitFirstValue(ctx: ParseContext, { field, size, at }: Option['values'][number]): void {
  if (!ctx.uses(field)) return
  const { asm } = ctx
  const known = asm.label('known already')
  loadSlot(asm, r0, ctx.stack.slot(field))
  asm.jumpIf(r0, '!=', ctx.absent(field), known)
  asm.load(size, r0, r1, at)
  if (size !== 'u8') asm.swap(r0, size === 'u16' ? 16 : 32)
  ctx.save(field, r0)
  asm.bind(known)
}
