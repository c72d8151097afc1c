import { type Label, r0, r1, r2, r3, r4, r7, r8, r9 } from '../asm/index.ts'
import type { Bits } from './bits.ts'
import { type MatchContext, TABLES } from './match-context.ts'
import type { PlacedRule } from './place.ts'
import { RuleRecord } from './rule-record.ts'
import { forget, loadSlot, unlink } from './stack.ts'
import type { Verdict } from './verdict.ts'

/** Stack slots: the row that decides, and its rule's rank, or {@link UNDECIDED} for both. */
const DECIDING_ROW = 'deciding row'
export const DECIDING_RANK = 'deciding rank'
const UNDECIDED = 0x7fff_ffff

/** Table for the lowest set bit of a 64-bit word: index = (word × sequence) >> 58 (Leiserson, Prokop, Randall 1998). */
const DE_BRUIJN = 0x03f79d71b4cb0a89n
function lowestBitTable(): Uint8Array {
  const table = new Uint8Array(64)
  for (let bit = 0; bit < 64; bit++) table[Number(BigInt.asUintN(64, (1n << BigInt(bit)) * DE_BRUIJN) >> 58n)] = bit
  return table
}

/** Finds, among the rows alive, the first rule that decides, and does what it says. */
export class Decision {
  readonly #ctx: MatchContext
  readonly #deciding: Bits
  readonly #bitsAt: number
  readonly #recordsAt: number
  readonly #decidingAt: number

  constructor(ctx: MatchContext, rules: readonly PlacedRule[], deciding: Bits) {
    this.#ctx = ctx
    this.#deciding = deciding
    this.#bitsAt = ctx.arena.add(lowestBitTable())
    this.#recordsAt = ctx.arena.add(records(rules, ctx.words * 64))
    this.#decidingAt = ctx.words > 1 ? ctx.arena.add(deciding.words) : 0
  }

  /** No rule only counts, samples or limits. */
  get #allDecide(): boolean {
    return this.#deciding.key === this.#ctx.all.key
  }

  /** Leaves row and rank in their stack slots; keeps r8. Clobbers r0 to r5, r7 and r9. */
  emitSearch(): void {
    const { asm, stack, words } = this.#ctx
    asm.mov(r1, UNDECIDED)
    forget(asm, stack, r1, r2)
    for (const name of [DECIDING_ROW, DECIDING_RANK]) {
      asm.storeStack('u64', stack.slot(name), r1)
      unlink(asm, r1)
    }
    if (words > 1) return this.#emitWords()
    const done = asm.label('searched')
    asm.constant(r1, this.#deciding.words[0]!)
    asm.alu('and', r1, r8)
    asm.jumpIf(r1, '==', 0, done)
    this.#emitLowestBit()
    this.#emitFound(done)
    asm.bind(done)
  }

  /** Keep row r2 if its rule comes before the one found so far. Uses r1, r3 and r4. */
  #emitFound(next: Label): void {
    const { asm, stack } = this.#ctx
    this.#emitRecord()
    asm.load('u32', r1, r3, RuleRecord.rank)
    loadSlot(asm, r4, stack.slot(DECIDING_RANK))
    asm.jumpIf(r1, '>=', r4, next)
    asm.storeStack('u64', stack.slot(DECIDING_RANK), r1)
    asm.storeStack('u64', stack.slot(DECIDING_ROW), r2)
  }

  /** r3 = record of row r2. Uses r4. */
  #emitRecord(): void {
    const { asm } = this.#ctx
    asm.mov(r4, r2)
    asm.alu('mul', r4, RuleRecord.size)
    asm.loadMapValue(r3, TABLES, this.#recordsAt)
    asm.alu('add', r3, r4)
  }

  /** The end: drop, pass, or no row. */
  emitVerdict(verdict: Verdict): void {
    const { asm, none, stack, words } = this.#ctx
    asm.loadStack('u64', r2, stack.slot(DECIDING_ROW))
    asm.jumpIf(r2, '>=', words * 64, none)
    this.#emitRecord()
    asm.load('u32', r1, r3, RuleRecord.slot)
    asm.load('u32', r2, r3, RuleRecord.drops)
    asm.jumpIf(r2, '!=', 0, verdict.drop)
    asm.jump(verdict.pass)
  }

  /** r2 = index of the lowest set bit of r1. Uses r3. */
  #emitLowestBit(): void {
    const { asm } = this.#ctx
    asm.mov(r2, r1)
    asm.alu('sub', r2, 1)
    asm.alu('xor', r2, -1)
    asm.alu('and', r2, r1)
    asm.constant(r3, DE_BRUIJN)
    asm.alu('mul', r2, r3)
    asm.alu('rsh', r2, 58)
    this.#ctx.loadTable(r3, this.#bitsAt)
    asm.alu('add', r3, r2)
    asm.load('u8', r2, r3, 0)
    asm.alu('and', r2, 63)
  }

  /** All words with deciding rows that the summary in r8 names. */
  #emitWords(): void {
    const { asm, words } = this.#ctx
    const [next, done] = [asm.label('next word'), asm.label('words done')]
    const [steps, word] = [r9, r0]
    asm.mov(steps, words)
    asm.constant(r7, this.#deciding.summary)
    asm.alu('and', r7, r8)
    asm.bind(next)
    asm.jumpIf(steps, '==', 0, done)
    asm.alu('sub', steps, 1)
    asm.jumpIf(r7, '==', 0, done)
    asm.mov(r1, r7)
    this.#emitLowestBit()
    asm.mov(r3, r7)
    asm.alu('sub', r3, 1)
    asm.alu('and', r7, r3)
    asm.jumpIf(r2, '>=', words, done)
    asm.mov(word, r2)
    asm.alu('lsh', r2, 3)
    this.#emitWord()
    asm.jumpIf(r1, '==', 0, next)
    this.#emitLowestBit()
    asm.alu('lsh', word, 6)
    asm.alu('or', r2, word)
    asm.jumpIf(r2, '>=', words * 64, done)
    this.#emitFound(next)
    asm.jump(next)
    asm.bind(done)
  }

  /** r1 = deciding rows alive in the word at byte offset r2. Uses r3 to r5. */
  #emitWord(): void {
    const { asm } = this.#ctx
    if (this.#allDecide) asm.mov(r1, -1)
    else {
      this.#ctx.loadTable(r3, this.#decidingAt)
      asm.alu('add', r3, r2)
      asm.load('u64', r1, r3, 0)
    }
    this.#ctx.andWord(r1, r2)
  }
}

function records(rules: readonly PlacedRule[], count: number): Uint8Array {
  const content = new Uint8Array(count * RuleRecord.size)
  const view = new DataView(content.buffer)
  for (const { rule, rank, slot, rows } of rules)
    for (const row of rows) {
      view.setUint32(row * RuleRecord.size + RuleRecord.rank, rank, true)
      view.setUint32(row * RuleRecord.size + RuleRecord.slot, slot, true)
      view.setUint32(row * RuleRecord.size + RuleRecord.drops, rule.action.kind === 'drop' ? 1 : 0, true)
    }
  return content
}
