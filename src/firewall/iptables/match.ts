import type { Expr } from '../../rules/ast.ts'
import { bytecode, ClassicError } from '../../rules/classic/index.ts'
import type { FieldName } from '../../rules/fields.ts'
import { joinTerms } from '../../rules/make.ts'
import { type Connections, connlimit, negateConnections, openConnections } from './connlimit.ts'
import { RuleProblem } from './errors.ts'
import type { Family } from './family.ts'

/** `-m set [!] --match-set NAME src`. */
export interface SetMatch {
  readonly name: string
  readonly side: 'src' | 'dst'
  readonly not: boolean
}

/** An expression as iptables asks it: all of the sets, all of the classic programs, and the rest by a program of Seawall's. */
export interface Match {
  readonly sets: readonly SetMatch[]
  /** Tcpdump expressions, for `-m bpf --bytecode`. */
  readonly bytecodes: readonly string[]
  /** Counts of connections, as matches. They come last: what they see, they count. */
  readonly counts: readonly string[]
  /** Undefined if there is nothing left to ask. */
  readonly rest: Expr | undefined
}

/**
 * Takes those terms out of a conjunction that ipset, connlimit or a classic program answers exactly; everything else stays together.
 *
 * @throws RuleProblem for a count of connections that connlimit cannot make
 */
export function splitMatch(expr: Expr, family: Family): Match {
  const terms = expr.kind === 'and' ? expr.terms : [expr]
  const sets: SetMatch[] = []
  const bytecodes: string[] = []
  const counts: string[] = []
  const rest: Expr[] = []
  for (const term of terms) {
    const set = setMatch(term)
    const count = countOf(term)
    const classic = bytecodeOf(term, family)
    if (set !== undefined) sets.push(set)
    else if (classic !== undefined) bytecodes.push(classic)
    else if (count !== undefined) counts.push(connlimit(count, family))
    else if (!isTrue(term)) rest.push(term)
  }
  if (counts.length > 0 && !openConnections(rest)) {
    throw new RuleProblem('a count of connections for packets that need not open one, wanted "tcp.flags == S and …"')
  }
  return { sets, bytecodes, counts, rest: rest.length === 0 ? undefined : joinTerms('and', rest) }
}

/** A test of how many connections there are, or its opposite. */
function countOf(term: Expr): Connections | undefined {
  if (term.kind === 'not') {
    const count = countOf(term.term)
    return count === undefined ? undefined : negateConnections(count)
  }
  return term.kind === 'connections' ? term : undefined
}

/** A tcpdump expression for `--bytecode`; undefined if it needs the frame or is too long for that. */
function bytecodeOf(term: Expr, family: Family): string | undefined {
  if (term.kind !== 'pcap') return undefined
  try {
    return bytecode(term.text, family)
  } catch (error) {
    if (error instanceof ClassicError && /^CLASSIC_(FRAME|LONG)$/.test(error.code)) return undefined
    throw error
  }
}

const isTrue = (term: Expr): boolean => term.kind === 'literal' && term.value

/** An address is in a set, or is not. Every packet of iptables has both addresses, so that nothing else can make it false. */
function setMatch(term: Expr): SetMatch | undefined {
  if (term.kind === 'not') {
    const match = setMatch(term.term)
    return match === undefined ? undefined : { ...match, not: !match.not }
  }
  if (term.kind !== 'in') return undefined
  const [item, ...others] = term.items
  if (item?.kind !== 'set' || others.length > 0) return undefined
  if (term.field.name !== 'ip.src' && term.field.name !== 'ip.dst') return undefined
  return { name: item.name, side: term.field.name === 'ip.src' ? 'src' : 'dst', not: false }
}

/** Names of all sets that an expression asks about. */
export function setsIn(expr: Expr): string[] {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return expr.terms.flatMap(setsIn)
    case 'not':
      return setsIn(expr.term)
    case 'in':
      return expr.items.flatMap((item) => (item.kind === 'set' ? [item.name] : []))
    default:
      return []
  }
}

/** Whether an expression asks about a field. */
export function asksAbout(expr: Expr, field: FieldName): boolean {
  if (expr.kind === 'and' || expr.kind === 'or') return expr.terms.some((term) => asksAbout(term, field))
  if (expr.kind === 'not') return asksAbout(expr.term, field)
  return 'field' in expr && (typeof expr.field === 'string' ? expr.field : expr.field.name) === field
}
