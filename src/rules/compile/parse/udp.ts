import { r0, r2, r5, r9 } from '../../asm/index.ts'
import type { ParseContext } from './context.ts'
import { emitDns } from './dns.ts'
import { emitPayload } from './payload.ts'

export function emitUdp(ctx: ParseContext): void {
  const { asm } = ctx
  ctx.needInPacket(8, ctx.fail('udp_truncated'))
  ctx.read(r0, 'u16', 4)
  asm.jumpIf(r0, '<', 8, ctx.fail('udp_length'))
  const fits = asm.label('length fits')
  const known = asm.label('length known')
  asm.jumpIf(r0, '<=', r5, fits)
  asm.jumpIf(r2, '==', 0, ctx.fail('udp_length'))
  asm.jump(known)
  asm.bind(fits)
  asm.mov(r5, r0)
  asm.bind(known)
  ctx.fact('udp')
  ctx.saveFields([
    { field: 'udp.srcport', size: 'u16', at: 0 },
    { field: 'udp.dstport', size: 'u16', at: 2 },
    { field: 'udp.length', size: 'u16', at: 4 },
    { field: 'udp.checksum', size: 'u16', at: 6 },
  ])
  if (ctx.usesAny('udp.payload') || ctx.usesAny('dns')) {
    const isDns = emitPortTest(ctx)
    asm.alu('add', r9, 8)
    asm.alu('sub', r5, 8)
    emitPayload(ctx, 'udp.payload')
    if (isDns) emitDns(ctx)
  }
  asm.jump(ctx.parsed)
}

const DNS_PORT = 0x3500

/** Leaves in r2 whether either port is 53, for the DNS fields. */
function emitPortTest(ctx: ParseContext): boolean {
  if (!ctx.usesAny('dns')) return false
  const { asm } = ctx
  const yes = asm.label('port 53')
  asm.mov(r2, 1)
  asm.load('u16', r0, r9, 0)
  asm.jumpIf(r0, '==', DNS_PORT, yes)
  asm.load('u16', r0, r9, 2)
  asm.jumpIf(r0, '==', DNS_PORT, yes)
  asm.mov(r2, 0)
  asm.bind(yes)
  return true
}
