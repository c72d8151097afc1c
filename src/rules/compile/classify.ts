import { type Label, r0, r1, r2, r3, r4, r5 } from '../asm/index.ts'
import type { Bits } from './bits.ts'
import { absentClass, Classes, type Constrained, type Segment, segments } from './classes.ts'
import type { Dimension } from './constraint.ts'
import type { MatchContext, Records } from './match-context.ts'
import { FACTS, FAMILY, loadSlot } from './stack.ts'
import { buildTrie } from './trie.ts'

/** Segments up to this number are told apart by comparisons instead of a table. */
const MAX_COMPARISONS = 4
/** Numbers up to this width index a table. */
const TABLE_BITS = 16

/** The value of a number's slot in packets without the field: one more than the greatest, or all ones. */
export const absentValue = (bits: number): number => (bits <= TABLE_BITS ? 1 << bits : -1)

export interface DimensionRows {
  readonly constrained: Constrained
  /** Rows without a constraint on this dimension. */
  readonly others: Bits
}

/** The rows that depend on any of these dimensions. */
export function dependingRows(dimensions: readonly DimensionRows[]): Bits {
  const result = dimensions[0]!.others.copy()
  result.words.fill(0n)
  for (const { constrained } of dimensions) for (const { row } of constrained) result.set(row)
  return result
}

/** Reduce the rows alive (r8) by what the packet has in one dimension. Uses r0 to r5. */
export function emitDimension(
  ctx: MatchContext,
  dimension: Exclude<Dimension, { kind: 'predicate' }>,
  rows: DimensionRows,
): void {
  if (dimension.kind === 'fact') emitFact(ctx, dimension, rows)
  else if (dimension.kind === 'address') emitAddress(ctx, dimension, rows)
  else emitNumber(ctx, dimension, rows)
}

/** Classes 0 and 1 of something that is false or true. */
export function truthClasses({ constrained, others }: DimensionRows): [Bits, Bits] {
  const accepting = (truth: bigint): Bits => {
    const result = others.copy()
    for (const { row, constraint } of constrained)
      if (constraint.values.some(([from, to]) => from <= truth && truth <= to)) result.set(row)
    return result
  }
  return [accepting(0n), accepting(1n)]
}

function emitFact(ctx: MatchContext, dimension: Extract<Dimension, { kind: 'fact' }>, rows: DimensionRows): void {
  const { asm } = ctx
  const records = ctx.dimension(dimension.key, truthClasses(rows))
  loadSlot(asm, r1, ctx.stack.slot(FACTS))
  asm.alu('rsh', r1, ctx.facts.indexOf(dimension.field))
  asm.alu('and', r1, 1)
  records.apply()
}

function emitNumber(ctx: MatchContext, dimension: Extract<Dimension, { kind: 'number' }>, rows: DimensionRows): void {
  const { asm } = ctx
  const classes = new Classes()
  const parts = segments(rows.constrained, (c) => c.values, rows.others, classes)
  const absent = absentClass(rows.constrained, rows.others, classes)
  const records = ctx.dimension(dimension.key, classes.rows)
  loadSlot(asm, r1, ctx.stack.slot(dimension.slot))
  if (dimension.bits > TABLE_BITS) emitWide(ctx, dimension, parts, absent, records)
  else if (parts.length <= MAX_COMPARISONS)
    emitComparisons(ctx, [...parts, { from: BigInt(absentValue(dimension.bits)), class: absent }], records)
  else emitTable(ctx, parts, absent, dimension.bits, records)
}

function emitComparisons(ctx: MatchContext, parts: readonly Segment[], records: Records): void {
  const { asm } = ctx
  const done = asm.label('class known')
  parts.forEach((part, i) => {
    const next = parts[i + 1]
    const other = asm.label('next segment')
    if (next) asm.jumpIf(r1, '>=', Number(next.from), other)
    records.applyConstant(part.class)
    if (next) asm.jump(done)
    asm.bind(other)
  })
  asm.bind(done)
}

/** The table ends where the last segment begins: most rules name low ports, so that all others share one place in the cache. */
function emitTable(ctx: MatchContext, parts: readonly Segment[], absent: number, bits: number, records: Records): void {
  const { asm, none } = ctx
  const last = Number(parts.at(-1)!.from)
  const table = new Uint16Array(last + 2)
  for (const part of parts) table.fill(part.class, Number(part.from))
  table[last + 1] = absent
  const inside = asm.label('inside the table')
  asm.jumpIf(r1, '>', absentValue(bits), none)
  asm.jumpIf(r1, '<', last, inside)
  // 0, or 1 for the value that stands for none.
  asm.alu('rsh', r1, bits)
  asm.alu('add', r1, last)
  asm.bind(inside)
  asm.alu('lsh', r1, 1)
  ctx.loadTable(r2, ctx.arena.add(table))
  asm.alu('add', r2, r1)
  asm.load('u16', r1, r2, 0)
  records.apply()
}

/** Binary search without branches over the segments' first values; for numbers of 17 to 48 bits. */
function emitWide(
  ctx: MatchContext,
  dimension: Extract<Dimension, { kind: 'number' }>,
  parts: readonly Segment[],
  absent: number,
  records: Records,
): void {
  const { asm } = ctx
  const [missing, done] = [asm.label('absent'), asm.label('class known')]
  asm.jumpIf(r1, '==', -1, missing)
  if (dimension.mask !== undefined) {
    asm.constant(r2, BigInt(dimension.mask))
    asm.alu('and', r1, r2)
  }
  const levels = Math.ceil(Math.log2(parts.length))
  const size = 2 ** levels
  const bounds = new BigUint64Array(size).fill(1n << 62n)
  const numbers = new Uint16Array(size)
  parts.forEach((part, i) => {
    bounds[i] = part.from
    numbers[i] = part.class
  })
  const boundsAt = ctx.arena.add(bounds)
  asm.mov(r2, 0)
  for (let step = size / 2; step >= 1; step /= 2) {
    ctx.loadTable(r3, boundsAt + step * 8)
    asm.mov(r4, r2)
    asm.alu('lsh', r4, 3)
    asm.alu('add', r3, r4)
    asm.load('u64', r3, r3, 0)
    asm.mov(r5, r1)
    asm.alu('sub', r5, r3)
    asm.alu('arsh', r5, 63)
    asm.alu('xor', r5, -1)
    asm.alu('and', r5, step)
    asm.alu('add', r2, r5)
  }
  ctx.loadTable(r3, ctx.arena.add(numbers))
  asm.alu('lsh', r2, 1)
  asm.alu('add', r3, r2)
  asm.load('u16', r1, r3, 0)
  records.apply()
  asm.jump(done)
  asm.bind(missing)
  records.applyConstant(absent)
  asm.bind(done)
}

function emitAddress(ctx: MatchContext, dimension: Extract<Dimension, { kind: 'address' }>, rows: DimensionRows): void {
  const { asm } = ctx
  const classes = new Classes()
  const four = segments(rows.constrained, (c) => c.values, rows.others, classes)
  const six = segments(rows.constrained, (c) => c.values6, rows.others, classes)
  const absent = absentClass(rows.constrained, rows.others, classes)
  const records = ctx.dimension(dimension.key, classes.rows)
  const [is6, is4, known, done] = ['IPv6', 'IPv4', 'class', 'class known'].map((name) => asm.label(name)) as Label[]
  loadSlot(asm, r1, ctx.stack.slot(FAMILY))
  asm.jumpIf(r1, '==', 4, is4!)
  asm.jumpIf(r1, '==', 6, is6!)
  records.applyConstant(absent)
  asm.jump(done!)
  asm.bind(is4!)
  loadSlot(asm, r4, ctx.stack.slot(dimension.field))
  asm.alu('lsh', r4, 32)
  emitTrie(ctx, four, 32, undefined)
  asm.jump(known!)
  asm.bind(is6!)
  loadSlot(asm, r4, ctx.stack.slot(dimension.field))
  emitTrie(ctx, six, 128, ctx.stack.slot(`${dimension.field}.low`))
  asm.bind(known!)
  records.apply()
  asm.bind(done!)
}

/** r1 = class of the address whose first 64 bits are in r4; `low`: stack slot of the other 64. */
function emitTrie(ctx: MatchContext, parts: readonly Segment[], bits: number, low: number | undefined): void {
  const { asm } = ctx
  if (parts.length === 1) return asm.mov(r1, parts[0]!.class)
  const trie = buildTrie(parts, bits)
  const nodes = trie.nodes.length / 256
  const nodesAt = nodes > 0 ? ctx.arena.add(trie.nodes) : 0
  const leaf = asm.label('leaf')
  ctx.loadTable(r2, ctx.arena.add(trie.root))
  takeBits(ctx, 48, 0xffff)
  asm.load('u32', r1, r2, 0)
  for (let level = 0; level < trie.depth; level++) {
    asm.jumpIf32(r1, 's>=', 0, leaf)
    asm.alu('and', r1, 0x7fff_ffff)
    asm.jumpIf(r1, '>=', nodes, ctx.none)
    asm.alu('lsh', r1, 10)
    ctx.loadTable(r2, nodesAt)
    asm.alu('add', r2, r1)
    if (level === 6 && low !== undefined) asm.loadStack('u64', r4, low)
    takeBits(ctx, level < 6 ? 40 - level * 8 : 56 - (level - 6) * 8, 0xff)
    asm.load('u32', r1, r2, 0)
  }
  asm.bind(leaf)
}

/** r2 += 4 × some bits of r4. Uses r0. */
function takeBits(ctx: MatchContext, shift: number, mask: number): void {
  const { asm } = ctx
  asm.mov(r0, r4)
  if (shift > 0) asm.alu('rsh', r0, shift)
  asm.alu('and', r0, mask)
  asm.alu('lsh', r0, 2)
  asm.alu('add', r2, r0)
}
