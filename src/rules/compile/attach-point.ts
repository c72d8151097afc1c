import type { Expr, Rule } from '../ast.ts'
import { readsEthernetAddresses } from '../classic/index.ts'
import { CompileError } from './errors.ts'

/**
 * Where a program runs. `xdp`: on each frame that an interface receives. `socket`: on each packet for a UDP or TCP socket (SO_ATTACH_BPF).
 * `xt_bpf`: on each packet that a rule of iptables looks at (`-m bpf --object-pinned`), where a packet to drop is one that matches.
 */
export const ATTACH_POINTS = ['xdp', 'socket', 'xt_bpf'] as const
export type AttachPoint = (typeof ATTACH_POINTS)[number]

/** The type of program that the kernel is told. */
export const programTypeOf = (attach: AttachPoint): 'xdp' | 'socket_filter' =>
  attach === 'xdp' ? 'xdp' : 'socket_filter'

const PLACES = { socket: 'a socket', xt_bpf: 'iptables' } as const

/** Fields of the frame, which is gone when a socket or iptables sees its packet. (`eth.type` is known all the same.) */
const isLost = (field: string): boolean => /^(eth\.(src|dst|addr)|vlan(\..*)?)$/.test(field)

function fieldsOf(expr: Expr): string[] {
  if (expr.kind === 'and' || expr.kind === 'or') return expr.terms.flatMap(fieldsOf)
  if (expr.kind === 'not') return fieldsOf(expr.term)
  if (expr.kind === 'pcap') return readsEthernetAddresses(expr.program) ? ['eth.addr'] : []
  if (!('field' in expr)) return []
  return [typeof expr.field === 'string' ? expr.field : expr.field.name]
}

function countsConnections(expr: Expr): boolean {
  if (expr.kind === 'and' || expr.kind === 'or') return expr.terms.some(countsConnections)
  return expr.kind === 'not' ? countsConnections(expr.term) : expr.kind === 'connections'
}

/** @throws CompileError if the rule asks for what is not there */
export function checkRule(attach: AttachPoint, { id, when, capture }: Rule): void {
  if (attach === 'xdp') return
  if (countsConnections(when))
    throw new CompileError(
      'not_there',
      `Cannot compile rule "${id}" for ${PLACES[attach]}: connections are counted for interfaces only [keep the rule on an interface]`,
    )
  const lost = fieldsOf(when).find(isLost) ?? (capture === undefined ? undefined : 'capture')
  if (lost === undefined) return
  throw new CompileError(
    'not_there',
    `Cannot compile rule "${id}" for ${PLACES[attach]}: "${lost}" needs the frame, wanted what IP packets have [keep the rule on an interface]`,
  )
}
