import type { Expr, Rule } from '../ast.ts'
import type { SynSignature } from '../signatures/signature.ts'
import {
  type Atom,
  beforeAtom,
  compareAtom,
  containsAtom,
  flagAtom,
  listAtoms,
  patternAtom,
  pcapAtom,
  predicateAtom,
  questionAtom,
} from './atoms.ts'
import { both, type Constraint, type Dimension, either, isEmpty, negate } from './constraint.ts'
import { CompileError } from './errors.ts'
import { signatureAtom, signatureAtoms, versionsOf } from './signature.ts'

/** A conjunction: every dimension named must have an accepted value. A rule matches if any of its rows does. */
export type Row = ReadonlyMap<string, Constraint>

/** What one rule may expand to. */
const MAX_ROWS = 512

/** Turns expressions into rows (disjunctive normal form) and remembers every dimension met. */
export class RowBuilder {
  readonly dimensions = new Map<string, Dimension>()

  rowsOf(rule: Rule): Row[] {
    const rows = this.#rows(rule.when, false, rule.id)
    return rule.until === undefined ? rows : this.#and([rows, [this.#row(beforeAtom(rule.until), false)]], rule.id)
  }

  #row({ dimension, constraint }: Atom, negated: boolean): Row {
    this.dimensions.set(dimension.key, dimension)
    return new Map([[dimension.key, negated ? negate(dimension, constraint) : constraint]])
  }

  #atoms(atoms: readonly Atom[], negated: boolean, id: string): Row[] {
    const rows = atoms.map((atom) => this.#row(atom, negated))
    return negated
      ? this.#and(
          rows.map((row) => [row]),
          id,
        )
      : this.#or(rows)
  }

  #rows(expr: Expr, negated: boolean, id: string): Row[] {
    switch (expr.kind) {
      case 'literal':
        return expr.value === negated ? [] : [new Map()]
      case 'not':
        return this.#rows(expr.term, !negated, id)
      case 'flag':
        return this.#atoms([flagAtom(expr.field)], negated, id)
      case 'compare':
        return this.#compare(expr, negated, id)
      case 'in':
        return this.#atoms(listAtoms(expr.field, expr.items), negated, id)
      case 'contains':
        return this.#atoms([containsAtom(expr)], negated, id)
      case 'matches':
        return this.#atoms([patternAtom(expr.pattern)], negated, id)
      case 'p0f':
        return this.#signature(expr.signature, negated, id)
      case 'connections':
        return this.#atoms([predicateAtom(expr)], negated, id)
      case 'pcap':
        return this.#atoms([pcapAtom(expr)], negated, id)
      default: {
        const terms = expr.terms.map((term) => this.#rows(term, negated, id))
        return (expr.kind === 'and') === negated ? this.#or(terms.flat(), id) : this.#and(terms, id)
      }
    }
  }

  /** `dns.qry.name != "x"` asks two things: that there is a name, and that it is another. */
  #compare(expr: Extract<Expr, { kind: 'compare' }>, negated: boolean, id: string): Row[] {
    const atom = compareAtom(expr)
    if (expr.value.kind !== 'name' || expr.op !== '!=') return this.#atoms([atom], negated, id)
    const [question, same] = [this.#row(questionAtom, negated), this.#row(atom, !negated)]
    return negated ? [question, same] : this.#and([[question], [same]], id)
  }

  /** In parts, unless it is negated: then each part would make a row. */
  #signature(signature: SynSignature, negated: boolean, id: string): Row[] {
    if (versionsOf(signature).length === 0) return negated ? [new Map()] : []
    if (negated) return [this.#row(signatureAtom(signature), true)]
    const parts = signatureAtoms(signature).map((atom) => [this.#row(atom, false)])
    return this.#and(parts, id)
  }

  #and(terms: readonly Row[][], id: string): Row[] {
    let result: Row[] = [new Map()]
    for (const term of terms) {
      const next: Row[] = []
      for (const a of result)
        for (const b of term) {
          const row = conjunction(a, b)
          if (row) next.push(row)
        }
      result = this.#or(next, id)
    }
    return result
  }

  /** Rows that ask about one and the same dimension become one. */
  #or(rows: readonly Row[], id = ''): Row[] {
    const merged = new Map<string, Row>()
    for (const row of rows) {
      const key = row.size === 1 ? [...row.keys()][0]! : rowKey(row)
      const other = merged.get(key)
      if (!other) merged.set(key, row)
      else if (row.size === 1) merged.set(key, new Map([[key, either(other.get(key)!, row.get(key)!)]]))
    }
    if (merged.size > MAX_ROWS)
      throw new CompileError(
        'rule_too_complex',
        `Cannot compile rule "${id}": it expands to more than ${MAX_ROWS} alternatives [split it into several rules]`,
      )
    return [...merged.values()]
  }
}

function conjunction(a: Row, b: Row): Row | undefined {
  const row = new Map(a)
  for (const [key, constraint] of b) {
    const other = row.get(key)
    const together = other ? both(other, constraint) : constraint
    if (isEmpty(together)) return undefined
    row.set(key, together)
  }
  return row
}

const text = (c: Constraint): string => `${c.values.join(';')}/${c.values6.join(';')}/${c.absent}`
const rowKey = (row: Row): string =>
  [...row]
    .map(([key, c]) => `${key}:${text(c)}`)
    .sort()
    .join('|')
