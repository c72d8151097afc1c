import { type Assembler, type Label, type Register, r0, r1, r2, r3, r4, r5, r8, r9 } from '../../asm/index.ts'
import type { HeaderField, ParseContext } from './context.ts'
import { emitHeaderPlace, IP_HEADER } from './payload.ts'

const FIELDS: readonly HeaderField[] = [
  { field: 'ip.ttl', size: 'u8', at: 7 },
  { field: 'ip.dscp', size: 'u16', at: 0, right: 6, mask: 63 },
  { field: 'ip.ecn', size: 'u8', at: 1, right: 4, mask: 3 },
  { field: 'ipv6.flow', size: 'u32', at: 0, mask: 0xfffff },
  { field: 'ipv6.nxt', size: 'u8', at: 6 },
  { field: 'ipv6.plen', size: 'u16', at: 4 },
]

export const Extension = { fragment: 44, authentication: 51 } as const
/** Extension headers that are walked (RFC 8200, 4302, 6275, 7401, 5533), below 64 as bits. */
const WALKED_LOW = [0, 43, Extension.fragment, Extension.authentication, 60]
const WALKED_HIGH = [135, 139, 140]
export const MAX_HEADERS = 8
/** Covers every length, (255 + 1) × 8 at most, and says so to the verifier. */
const LENGTH_MASK = 0xffc
const FACT_OF = { 0: 'ipv6.hopopts', 43: 'ipv6.routing', 60: 'ipv6.dstopts' } as const
/** Counter of extension headers, in a slot of its own because the field may be unused. */
const COUNT = 'ipv6.ext_count'

/** IPv6 header and extension headers; `upper` emits the choice of the upper layer. */
export function emitIpv6(ctx: ParseContext, upper: () => void): void {
  const { asm } = ctx
  ctx.need(40, ctx.fail('ip_truncated'))
  asm.load('u8', r0, r9, 0)
  asm.alu('rsh', r0, 4)
  asm.jumpIf(r0, '!=', 6, ctx.fail('ip_header'))
  ctx.read(r5, 'u16', 4)
  asm.alu('and', r5, 0xffff)
  asm.mov(r0, r9)
  asm.alu('add', r0, 40)
  asm.alu('add', r0, r5)
  asm.jumpIf(r0, '>', r8, ctx.fail('ip_truncated'))
  emitHeaderPlace(ctx, IP_HEADER, 40, r1)
  emitFields(ctx)
  asm.load('u8', r4, r9, 6)
  asm.alu('add', r9, 40)
  asm.mov(r2, 0)
  asm.storeStack('u64', ctx.stack.slot(COUNT), 0)
  if (ctx.uses('ip.frag_offset')) asm.storeStack('u64', ctx.stack.slot('ip.frag_offset'), 0)
  emitWalk(ctx, upper)
}

function emitFields(ctx: ParseContext): void {
  const { asm } = ctx
  ctx.fact('ip', 'ipv6')
  ctx.saveFields(FIELDS)
  if (ctx.uses('ip.len')) {
    const fits = asm.label('length fits')
    asm.mov(r0, r5)
    asm.alu('add', r0, 40)
    asm.jumpIf(r0, '<=', 0xffff, fits)
    asm.mov(r0, 0xffff)
    asm.bind(fits)
    ctx.save('ip.len', r0)
  }
  if (!ctx.saveFamily(6)) return
  for (const [field, at] of [
    ['ip.src', 8],
    ['ip.dst', 24],
  ] as const) {
    if (!ctx.uses(field)) continue
    ctx.read(r0, 'u64', at)
    asm.storeStack('u64', ctx.stack.slot(field), r0)
    ctx.read(r0, 'u64', at + 8)
    asm.storeStack('u64', ctx.stack.slot(`${field}.low`), r0)
  }
}

function emitWalk(ctx: ParseContext, upper: () => void): void {
  const { asm } = ctx
  const [top, extension, fragment] = ['next header', 'extension', 'fragment'].map((name) => asm.label(name)) as [
    Label,
    Label,
    Label,
  ]
  asm.bind(top)
  emitIfExtension(asm, r4, r0, extension)
  ctx.save('ip.proto', r4)
  ctx.forgetCursor()
  upper()
  asm.bind(extension)
  emitExtension(ctx, top, fragment)
  asm.bind(fragment)
  emitFragment(ctx, top)
}

/** To `extension` if the header of number `next` is one that is walked. */
export function emitIfExtension(asm: Assembler, next: Register, scratch: Register, extension: Label): void {
  const [high, done] = [asm.label('high'), asm.label('upper')]
  asm.jumpIf(next, '>', 60, high)
  asm.constant(
    scratch,
    WALKED_LOW.reduce((mask, n) => mask | (1n << BigInt(n)), 0n),
  )
  asm.alu('rsh', scratch, next)
  asm.jumpIf(scratch, '&', 1, extension)
  asm.jump(done)
  asm.bind(high)
  for (const n of WALKED_HIGH) asm.jumpIf(next, '==', n, extension)
  asm.bind(done)
}

function emitExtension(ctx: ParseContext, top: Label, fragment: Label): void {
  const { asm } = ctx
  const truncated = ctx.fail('ipv6_ext_truncated')
  const count = ctx.stack.slot(COUNT)
  asm.loadStack('u64', r0, count)
  asm.jumpIf(r0, '>=', MAX_HEADERS, ctx.fail('ipv6_ext_depth'))
  asm.alu('add', r0, 1)
  asm.storeStack('u64', count, r0)
  ctx.source.emitExtension(truncated)
  ctx.needInPacket(8, truncated)
  for (const [header, field] of Object.entries(FACT_OF)) {
    const bit = ctx.factBit(field)
    if (bit === undefined) continue
    const other = asm.label('other header')
    asm.jumpIf(r4, '!=', Number(header), other)
    asm.alu('or', r3, 1 << bit)
    asm.bind(other)
  }
  asm.jumpIf(r4, '==', Extension.fragment, fragment)
  const [eights, sized] = [asm.label('units of 8'), asm.label('length known')]
  asm.load('u8', r0, r9, 1)
  asm.jumpIf(r4, '!=', Extension.authentication, eights)
  asm.alu('add', r0, 2)
  asm.alu('lsh', r0, 2)
  asm.jump(sized)
  asm.bind(eights)
  asm.alu('add', r0, 1)
  asm.alu('lsh', r0, 3)
  asm.bind(sized)
  ctx.forget(r0)
  asm.alu('and', r0, LENGTH_MASK)
  asm.jumpIf(r0, '>', r5, truncated)
  asm.load('u8', r4, r9, 0)
  asm.alu('sub', r5, r0)
  asm.alu('add', r9, r0)
  ctx.forget(r5)
  ctx.forget(r3)
  asm.jump(top)
}

function emitFragment(ctx: ParseContext, top: Label): void {
  const { asm } = ctx
  ctx.fact('ip.frag')
  ctx.read(r1, 'u16', 2)
  asm.alu('and', r1, 0xfff8)
  ctx.save('ip.frag_offset', r1)
  asm.load('u8', r4, r9, 0)
  asm.alu('sub', r5, 8)
  asm.alu('add', r9, 8)
  asm.mov(r2, 1)
  ctx.forget(r5, r0)
  ctx.forget(r3, r0)
  asm.jumpIf(r1, '==', 0, top)
  ctx.save('ip.proto', r4)
  asm.jump(ctx.parsed)
}
