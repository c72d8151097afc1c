import { r0, r3, r4, r9 } from '../../asm/index.ts'
import type { ParseContext } from './context.ts'

const VLAN_TAGS = [0x8100, 0x88a8]
export const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, arp: 0x0806 } as const

/** The EtherType as a little-endian load finds it. */
export const raw = (type: number): number => ((type & 0xff) << 8) | (type >> 8)

/** Ethernet and at most two VLAN tags; then IPv4, IPv6 or the end of reading. */
export function emitEthernet(ctx: ParseContext, ipv4: () => void, ipv6: () => void): void {
  const { asm } = ctx
  ctx.need(14, ctx.fail('eth_truncated'))
  ctx.saveMac('eth.dst', 0)
  ctx.saveMac('eth.src', 6)
  asm.load('u16', r4, r9, 12)
  asm.alu('add', r9, 14)
  const network = asm.label('network')
  const tagged = asm.label('tagged')
  for (const tag of VLAN_TAGS) asm.jumpIf(r4, '==', raw(tag), tagged)
  asm.bind(network)
  emitNetwork(ctx, ipv4, ipv6)
  asm.bind(tagged)
  emitTag(ctx, 'vlan')
  ctx.fact('vlan')
  const second = asm.label('second tag')
  for (const tag of VLAN_TAGS) asm.jumpIf(r4, '==', raw(tag), second)
  asm.jump(network)
  asm.bind(second)
  emitTag(ctx, 'vlan.inner')
  for (const tag of VLAN_TAGS) asm.jumpIf(r4, '==', raw(tag), ctx.fail('vlan_depth'))
  asm.jump(network)
}

function emitTag(ctx: ParseContext, prefix: 'vlan' | 'vlan.inner'): void {
  const { asm } = ctx
  ctx.need(4, ctx.fail('vlan_truncated'))
  ctx.saveFields([
    { field: `${prefix}.id`, size: 'u16', at: 0, mask: 0xfff },
    { field: `${prefix}.priority`, size: 'u8', at: 0, right: 5 },
  ])
  asm.load('u16', r4, r9, 2)
  asm.alu('add', r9, 4)
}

function emitNetwork(ctx: ParseContext, ipv4: () => void, ipv6: () => void): void {
  const { asm } = ctx
  if (ctx.uses('eth.type')) {
    asm.mov(r0, r4)
    asm.swap(r0, 16)
    ctx.save('eth.type', r0)
  }
  const isIpv4 = asm.label('ipv4')
  const isIpv6 = asm.label('ipv6')
  asm.jumpIf(r4, '==', raw(ETHERTYPE.ipv4), isIpv4)
  asm.jumpIf(r4, '==', raw(ETHERTYPE.ipv6), isIpv6)
  const arp = ctx.factBit('arp')
  if (arp !== undefined) {
    asm.jumpIf(r4, '!=', raw(ETHERTYPE.arp), ctx.parsed)
    asm.alu('or', r3, 1 << arp)
  }
  asm.jump(ctx.parsed)
  asm.bind(isIpv4)
  ipv4()
  asm.bind(isIpv6)
  ipv6()
}
