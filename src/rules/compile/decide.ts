import { type Label, r0, r1, r2, r3, r4, r7, r8, r9 } from '../asm/index.ts'
import type { Bits } from './bits.ts'
import { emitLowestBit, placeOfBit } from './lowest-bit.ts'
import { type MatchContext, TABLES } from './match-context.ts'
import type { PlacedRule } from './place.ts'
import { forget, loadSlot } from './stack.ts'
import type { Verdict } from './verdict.ts'

/**
 * Stack slot: the decision of the first deciding rule found so far. A decision is one u64, the lowest of which wins: the rule's place in
 * the rule set (32 bits), its slot in `counters` (31 bits), and whether it drops (1 bit).
 */
const DECISION = 'decision'
const UNDECIDED = -1
const decisionOf = ({ rule, rank, slot }: PlacedRule): bigint =>
  (BigInt(rank) << 32n) | (BigInt(slot) << 1n) | (rule.action.kind === 'drop' ? 1n : 0n)

/** Registers: turns left, and byte offset of the word. */
const [STEPS, WORD] = [r9, r0]

/** Groups of words with code of their own. */
const MAX_GROUPS = 8

/** Finds, among the rows alive, the first rule that decides, and does what it says. */
export class Decision {
  readonly #ctx: MatchContext
  readonly #deciding: Bits
  readonly #decisionsAt: number
  readonly #decidingAt: number

  constructor(ctx: MatchContext, rules: readonly PlacedRule[], deciding: Bits) {
    this.#ctx = ctx
    this.#deciding = deciding
    this.#decisionsAt = ctx.arena.add(decisionsByPlace(ctx, rules))
    this.#decidingAt = ctx.words > 1 ? ctx.arena.add(ctx.wordsByPlace(deciding)) : 0
  }

  /** No rule only counts, samples or limits. */
  get #allDecide(): boolean {
    return this.#deciding.key === this.#ctx.all.key
  }

  /** Leaves the decision in its stack slot; keeps r8. Clobbers r0 to r5, r7 and r9. */
  emitSearch(): void {
    const { asm, stack, words } = this.#ctx
    asm.mov(r1, UNDECIDED)
    forget(asm, stack, r1, r2)
    asm.storeStack('u64', stack.slot(DECISION), r1)
    if (words > 1) return this.#emitWords()
    const done = asm.label('searched')
    asm.constant(r1, this.#deciding.words[0]!)
    asm.alu('and', r1, r8)
    asm.jumpIf(r1, '==', 0, done)
    emitLowestBit(asm, r1, 6)
    this.#emitFound(done)
    asm.bind(done)
  }

  /** To `later` if a rule ahead of the one of this rank decides. Uses r1. */
  jumpIfBefore(rank: number, later: Label): void {
    const { asm, stack } = this.#ctx
    loadSlot(asm, r1, stack.slot(DECISION))
    asm.alu('rsh', r1, 32)
    asm.jumpIf(r1, '<', rank, later)
  }

  /** Keep the decision at place r2 if it comes before the one found so far. Uses r1, r3 and r4. */
  #emitFound(next: Label): void {
    const { asm, stack } = this.#ctx
    asm.alu('lsh', r2, 3)
    asm.loadMapValue(r3, TABLES, this.#decisionsAt)
    asm.alu('add', r3, r2)
    asm.load('u64', r1, r3, 0)
    loadSlot(asm, r4, stack.slot(DECISION))
    asm.jumpIf(r1, '>=', r4, next)
    asm.storeStack('u64', stack.slot(DECISION), r1)
  }

  /** The end: drop, pass, or no row. */
  emitVerdict(verdict: Verdict): void {
    const { asm, none, stack } = this.#ctx
    asm.loadStack('u64', r2, stack.slot(DECISION))
    asm.jumpIf(r2, '==', UNDECIDED, none)
    asm.mov(r1, r2)
    asm.alu('lsh', r1, 32)
    asm.alu('rsh', r1, 33)
    asm.jumpIf(r2, '&', 1, verdict.drop)
    asm.jump(verdict.pass)
  }

  /** All words with deciding rows that the summary in r8 names. */
  #emitWords(): void {
    for (const words of this.#groups()) this.#emitGroup(words)
  }

  /** Words with deciding rows, by the dimensions that they need; the rarest together, for the sake of the program's length. */
  #groups(): number[][] {
    const groups = this.#ctx
      .wordsByDimensions()
      .map((words) => words.filter((word) => this.#deciding.words[word] !== 0n))
      .filter(({ length }) => length > 0)
      .sort((a, b) => b.length - a.length)
    if (this.#ctx.keepsWords) return groups
    const rest = groups.splice(MAX_GROUPS - 1).flat()
    return rest.length > 0 ? [...groups, rest] : groups
  }

  #emitGroup(words: readonly number[]): void {
    const { asm } = this.#ctx
    const done = asm.label('words done')
    asm.constant(
      r7,
      words.reduce((mask, each) => mask | (1n << BigInt(each)), 0n),
    )
    asm.alu('and', r7, r8)
    asm.jumpIf(r7, '==', 0, done)
    if (words.length > 1) this.#emitEach(words, done)
    else {
      asm.mov(r2, this.#ctx.placeOfWord(words[0]!) * 8)
      this.#emitWord(words, done)
    }
    asm.bind(done)
  }

  /** The words in r7, one after the other. */
  #emitEach(words: readonly number[], done: Label): void {
    const { asm, order } = this.#ctx
    const next = asm.label('next word')
    asm.mov(STEPS, words.length + 1)
    asm.bind(next)
    asm.alu('sub', STEPS, 1)
    asm.jumpIf(STEPS, '==', 0, done)
    asm.jumpIf(r7, '==', 0, done)
    emitLowestBit(asm, r7, order)
    asm.mov(r3, r7)
    asm.alu('sub', r3, 1)
    asm.alu('and', r7, r3)
    asm.alu('lsh', r2, 3)
    this.#emitWord(words, next)
    asm.jump(next)
  }

  /** The first rule that decides in the word at byte offset r2, which is one of `words`. Uses r0 to r5. */
  #emitWord(words: readonly number[], next: Label): void {
    const { asm } = this.#ctx
    asm.mov(WORD, r2)
    if (this.#allDecide) asm.mov(r1, -1)
    else {
      this.#ctx.loadTable(r3, this.#decidingAt)
      asm.alu('add', r3, r2)
      asm.load('u64', r1, r3, 0)
    }
    this.#ctx.andWord(r1, r2, words)
    asm.jumpIf(r1, '==', 0, next)
    emitLowestBit(asm, r1, 6)
    asm.alu('lsh', WORD, 3)
    asm.alu('or', r2, WORD)
    this.#emitFound(next)
  }
}

function decisionsByPlace(ctx: MatchContext, rules: readonly PlacedRule[]): BigUint64Array {
  const content = new BigUint64Array(64 << ctx.order)
  for (const rule of rules)
    for (const row of rule.rows) content[ctx.placeOfWord(row >> 6) * 64 + placeOfBit(row & 63, 6)] = decisionOf(rule)
  return content
}
