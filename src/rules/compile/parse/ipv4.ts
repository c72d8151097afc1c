import { r0, r1, r2, r3, r4, r5, r8, r9 } from '../../asm/index.ts'
import type { HeaderFact, HeaderField, ParseContext } from './context.ts'
import { emitHeaderPlace, IP_HEADER } from './payload.ts'

const FIELDS: readonly HeaderField[] = [
  { field: 'ip.proto', size: 'u8', at: 9 },
  { field: 'ip.ttl', size: 'u8', at: 8 },
  { field: 'ip.len', size: 'u16', at: 2 },
  { field: 'ip.dscp', size: 'u8', at: 1, right: 2 },
  { field: 'ip.ecn', size: 'u8', at: 1, mask: 3 },
  { field: 'ip.hdr_len', size: 'u8', at: 0, mask: 15, left: 2 },
  { field: 'ip.id', size: 'u16', at: 4 },
  { field: 'ip.checksum', size: 'u16', at: 10 },
  { field: 'ip.frag_offset', size: 'u16', at: 6, mask: 0x1fff, left: 3 },
]

const FACTS: readonly HeaderFact[] = [
  { field: 'ip.flags.rb', at: 6, mask: 0x80 },
  { field: 'ip.flags.df', at: 6, mask: 0x40 },
  { field: 'ip.flags.mf', at: 6, mask: 0x20 },
]

const NO_OPTIONS = 0x45
/** MF and offset, as a little-endian load finds them. */
const FRAGMENT = 0xff3f
const OFFSET = 0xff1f

/** IPv4 header; `upper` emits the choice of the upper layer, with the cursor behind the header. */
export function emitIpv4(ctx: ParseContext, upper: () => void): void {
  const { asm } = ctx
  ctx.need(20, ctx.fail('ip_truncated'))
  emitLengths(ctx)
  emitHeaderPlace(ctx, IP_HEADER, r1, r2)
  ctx.fact('ip', 'ipv4')
  ctx.saveFields(FIELDS)
  ctx.saveFacts(FACTS)
  ctx.saveFamily(4)
  ctx.saveFields([
    { field: 'ip.src', size: 'u32', at: 12 },
    { field: 'ip.dst', size: 'u32', at: 16 },
  ])
  asm.load('u8', r4, r9, 9)
  asm.load('u16', r0, r9, 6)
  asm.alu('add', r9, r1)
  const whole = asm.label('not a fragment')
  asm.mov(r2, r0)
  asm.alu('and', r2, FRAGMENT)
  asm.jumpIf(r2, '==', 0, whole)
  ctx.fact('ip.frag')
  asm.alu('and', r0, OFFSET)
  asm.jumpIf(r0, '!=', 0, ctx.parsed)
  asm.mov(r2, 1)
  asm.bind(whole)
  if (ctx.usesAny('tcp.options') || ctx.usesAny('dns')) ctx.forgetCursor()
  upper()
}

/** r1 = header length, r5 = bytes of the packet behind the header. */
function emitLengths(ctx: ParseContext): void {
  const { asm } = ctx
  const plain = asm.label('no options')
  asm.mov(r1, 20)
  asm.load('u8', r0, r9, 0)
  asm.jumpIf(r0, '==', NO_OPTIONS, plain)
  asm.mov(r1, r0)
  asm.alu('rsh', r1, 4)
  asm.jumpIf(r1, '!=', 4, ctx.fail('ip_header'))
  asm.alu('and', r0, 15)
  asm.jumpIf(r0, '<', 5, ctx.fail('ip_header'))
  asm.alu('lsh', r0, 2)
  asm.mov(r1, r0)
  asm.alu('add', r0, r9)
  asm.jumpIf(r0, '>', r8, ctx.fail('ip_truncated'))
  const options = ctx.factBit('ip.options')
  if (options !== undefined) {
    asm.jumpIf(r1, '==', 20, plain)
    asm.alu('or', r3, 1 << options)
  }
  asm.bind(plain)
  ctx.read(r5, 'u16', 2)
  asm.jumpIf(r5, '<', r1, ctx.fail('ip_length'))
  asm.mov(r0, r9)
  asm.alu('and', r5, 0xffff)
  asm.alu('add', r0, r5)
  asm.jumpIf(r0, '>', r8, ctx.fail('ip_truncated'))
  asm.alu('sub', r5, r1)
}
