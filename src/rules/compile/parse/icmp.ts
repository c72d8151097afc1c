import type { ParseContext } from './context.ts'

/** ICMP or ICMPv6: 8 bytes. */
export function emitIcmp(ctx: ParseContext, name: 'icmp' | 'icmpv6'): void {
  ctx.needInPacket(8, ctx.fail('icmp_truncated'))
  ctx.fact(name)
  ctx.saveFields([
    { field: `${name}.type`, size: 'u8', at: 0 },
    { field: `${name}.code`, size: 'u8', at: 1 },
  ])
  if (name === 'icmp')
    ctx.saveFields([
      { field: 'icmp.ident', size: 'u16', at: 4 },
      { field: 'icmp.seq', size: 'u16', at: 6 },
    ])
  ctx.asm.jump(ctx.parsed)
}
