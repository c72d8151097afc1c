import type { Rule, RuleSet } from '../ast.ts'
import { Bits } from './bits.ts'
import type { DimensionRows } from './classify.ts'
import type { Constraint, Dimension } from './constraint.ts'
import { CompileError } from './errors.ts'
import { type Row, RowBuilder } from './rows.ts'

const WORD = 64
/** What the summary word covers. */
const MAX_ROWS = WORD * 64

/** Rows of one rule, first to last; all in one word unless the rule decides. */
export interface PlacedRule {
  readonly rule: Rule
  readonly slot: number
  readonly first: number
  readonly last: number
}

export const decides = ({ action }: Rule): boolean => action.kind === 'drop' || action.kind === 'pass'

/** All rules as numbered rows, in order; the lowest row that matches belongs to the first rule that does. */
export interface Placement {
  readonly rules: readonly PlacedRule[]
  readonly rows: readonly (Row | undefined)[]
  readonly all: Bits
  readonly dimensions: readonly Dimension[]
}

export function placeRules(ruleSet: RuleSet, counterSlot: (ruleId: string) => number): Placement {
  const builder = new RowBuilder()
  const rows: (Row | undefined)[] = []
  const rules: PlacedRule[] = []
  for (const rule of ruleSet.rules) {
    const own = builder.rowsOf(rule)
    if (own.length === 0) continue
    if (!decides(rule)) padToFit(rows, own.length, rule)
    rules.push({ rule, slot: counterSlot(rule.id), first: rows.length, last: rows.length + own.length - 1 })
    rows.push(...own)
  }
  if (rows.length > MAX_ROWS)
    throw new CompileError(
      'too_many_rows',
      `Cannot compile: the rules expand to ${rows.length} alternatives, at most ${MAX_ROWS} [put addresses and ports of like rules into sets]`,
    )
  const all = new Bits(Math.max(1, Math.ceil(rows.length / WORD)))
  rows.forEach((row, i) => {
    if (row) all.set(i)
  })
  return { rules, rows, all, dimensions: [...builder.dimensions.values()] }
}

/** The rows of a rule that does not decide share a word, so that one mask steps over them. */
function padToFit(rows: (Row | undefined)[], count: number, rule: Rule): void {
  if (count > WORD)
    throw new CompileError(
      'rule_too_complex',
      `Cannot compile rule "${rule.id}": it expands to ${count} alternatives, at most ${WORD} for ${rule.action.kind} [split it into several rules]`,
    )
  const left = WORD - (rows.length % WORD)
  if (count > left) for (let i = 0; i < left; i++) rows.push(undefined)
}

/** Who constrains a dimension, and who does not. */
export function rowsOfDimension({ rows, all }: Placement, key: string): DimensionRows {
  const others = all.copy()
  const constrained: { row: number; constraint: Constraint }[] = []
  rows.forEach((row, i) => {
    const constraint = row?.get(key)
    if (!constraint) return
    constrained.push({ row: i, constraint })
    others.clear(i)
  })
  return { constrained, others }
}
