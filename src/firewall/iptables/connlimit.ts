import type { Comparison, Expr } from '../../rules/ast.ts'
import { RuleProblem } from './errors.ts'
import type { Family } from './family.ts'

export type Connections = Extract<Expr, { kind: 'connections' }>

const SYN = 0x02
const ACK = 0x10

const negated: Readonly<Record<Comparison, Comparison>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
}

/** The same test, turned round. */
export const negateConnections = (test: Connections): Connections => ({ ...test, op: negated[test.op] })

/**
 * The match for a number of live connections. It counts the connection that the packet opens as well: with `above 8` the source
 * has 8 and opens one more.
 *
 * @throws RuleProblem for comparisons that connlimit does not have
 */
export function connlimit({ op, value, bits4, bits6 }: Connections, family: Family): string {
  const mask = `--connlimit-mask ${family === 4 ? bits4 : bits6} --connlimit-saddr`
  switch (op) {
    case '>':
      return `-m connlimit --connlimit-above ${value + 1} ${mask}`
    case '>=':
      return `-m connlimit --connlimit-above ${value} ${mask}`
    case '<=':
      return `-m connlimit --connlimit-upto ${value + 1} ${mask}`
    case '<':
      return `-m connlimit --connlimit-upto ${value} ${mask}`
    default:
      throw new RuleProblem(`"conn.count … ${op} ${value}", wanted one of > >= < <=`)
  }
}

/**
 * Whether the terms of a conjunction let only first packets of TCP connections through. connlimit takes every packet that it sees for
 * one of a connection, UDP too.
 */
export function openConnections(terms: readonly Expr[]): boolean {
  const syn = terms.some((term) => term.kind === 'flag' && term.field === 'tcp.flags.syn')
  const noAck = terms.some(
    (term) => term.kind === 'not' && term.term.kind === 'flag' && term.term.field === 'tcp.flags.ack',
  )
  return (syn && noAck) || terms.some(isSyn)
}

/** `tcp.flags == S`, or with a mask that has both bits. */
function isSyn(term: Expr): boolean {
  if (term.kind !== 'compare' || term.field.name !== 'tcp.flags' || term.op !== '==') return false
  if (term.value.kind !== 'number') return false
  const mask = term.mask ?? 0xff
  return (mask & (SYN | ACK)) === (SYN | ACK) && (term.value.value & (SYN | ACK)) === SYN
}
