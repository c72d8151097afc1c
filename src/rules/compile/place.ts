import type { Rule, RuleSet } from '../ast.ts'
import { Bits } from './bits.ts'
import type { DimensionRows } from './classify.ts'
import type { Constraint, Dimension } from './constraint.ts'
import { CompileError } from './errors.ts'
import { type Row, RowBuilder } from './rows.ts'

const WORD = 64
/** What the summary word covers. */
const MAX_ROWS = WORD * 64

/** A rule, and the numbers of its rows; those of a rule that does not decide are side by side in one word. */
export interface PlacedRule {
  readonly rule: Rule
  /** Place in the rule set. */
  readonly rank: number
  readonly slot: number
  readonly rows: readonly number[]
}

export const decides = ({ action }: Rule): boolean => action.kind === 'drop' || action.kind === 'pass'

/** All rules as numbered rows. */
export interface Placement {
  readonly rules: readonly PlacedRule[]
  readonly rows: readonly (Row | undefined)[]
  readonly all: Bits
  readonly dimensions: readonly Dimension[]
}

interface RuleRows {
  readonly rule: Rule
  readonly rank: number
  readonly rows: readonly Row[]
}

export function placeRules(ruleSet: RuleSet, counterSlot: (ruleId: string) => number): Placement {
  const builder = new RowBuilder()
  const all = ruleSet.rules.map((rule, rank) => ({ rule, rank, rows: builder.rowsOf(rule) }))
  const used = all.filter(({ rows }) => rows.length > 0)
  const rows: (Row | undefined)[] = []
  const places = new Map<number, number[]>(used.map(({ rank }) => [rank, []]))
  for (const each of sortedByShape(used.filter(({ rule }) => decides(rule)))) {
    const place = rows.push(each?.row) - 1
    if (each) places.get(each.rank)!.push(place)
  }
  for (const { rule, rank, rows: own } of used.filter(({ rule }) => !decides(rule))) {
    padToFit(rows, own.length, rule)
    for (const row of own) places.get(rank)!.push(rows.push(row) - 1)
  }
  checkRows(rows.length)
  const bits = new Bits(Math.max(1, Math.ceil(rows.length / WORD)))
  rows.forEach((row, i) => {
    if (row) bits.set(i)
  })
  const rules = used.map(({ rule, rank }) => ({ rule, rank, slot: counterSlot(rule.id), rows: places.get(rank)! }))
  return { rules, rows, all: bits, dimensions: askedAbout(builder, rows) }
}

/** Rules that can never match have left dimensions behind that no row asks about. */
function askedAbout(builder: RowBuilder, rows: readonly (Row | undefined)[]): Dimension[] {
  const keys = new Set(rows.flatMap((row) => [...(row?.keys() ?? [])]))
  return [...builder.dimensions.values()].filter(({ key }) => keys.has(key))
}

/** Fewer rows of one shape share words with other shapes. */
const OWN_WORDS = 16

interface RankedRow {
  readonly rank: number
  readonly row: Row
}

/** Words of rows, each in the order of the rules: the first row of a word that matches is the one that counts. */
function sortedByShape(rules: readonly RuleRows[]): (RankedRow | undefined)[] {
  const rows = sideBySide(rules)
  const rankOf = (row: RankedRow | undefined): number => row?.rank ?? Number.POSITIVE_INFINITY
  const words = Array.from({ length: Math.ceil(rows.length / WORD) }, (_, i) => rows.slice(i * WORD, (i + 1) * WORD))
  return words.flatMap((word) => word.sort((a, b) => rankOf(a) - rankOf(b) || 0))
}

/**
 * Rows that ask about the same dimensions, side by side and, if there are many, in words of their own: a packet that no row of a word
 * matches mostly shows it in one dimension for all of them, which is what the summary of words is good for.
 */
function sideBySide(rules: readonly RuleRows[]): (RankedRow | undefined)[] {
  const rows = rules.flatMap(({ rank, rows }) => rows.map((row) => ({ rank, row })))
  if (rows.length <= WORD) return rows
  const shapes = new Map<string, RankedRow[]>()
  for (const each of rows) {
    const shape = [...each.row.keys()].sort().join()
    shapes.set(shape, [...(shapes.get(shape) ?? []), each])
  }
  const groups = [...shapes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
  const large = groups.filter(({ length }) => length >= OWN_WORDS)
  const words = large.reduce((sum, { length }) => sum + Math.ceil(length / WORD), 0)
  const small = groups.filter(({ length }) => length < OWN_WORDS).flat()
  if (words * WORD + small.length > MAX_ROWS) return groups.flat()
  return [...large.flatMap((group) => [...group, ...padding(group.length)]), ...small]
}

/** What fills the last word. */
const padding = (count: number): undefined[] => new Array<undefined>((WORD - (count % WORD)) % WORD).fill(undefined)

function checkRows(count: number): void {
  if (count <= MAX_ROWS) return
  throw new CompileError(
    'too_many_rows',
    `Cannot compile: the rules expand to ${count} alternatives, at most ${MAX_ROWS} [put addresses and ports of like rules into sets]`,
  )
}

/** The rows of a rule that does not decide share a word, so that one mask steps over them. */
function padToFit(rows: (Row | undefined)[], count: number, rule: Rule): void {
  if (count > WORD)
    throw new CompileError(
      'rule_too_complex',
      `Cannot compile rule "${rule.id}": it expands to ${count} alternatives, at most ${WORD} for ${rule.action.kind} [split it into several rules]`,
    )
  if (count > WORD - (rows.length % WORD)) rows.push(...padding(rows.length))
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
