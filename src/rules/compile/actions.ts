import { type Label, r1, r2, r4, r5, r7, r8 } from '../asm/index.ts'
import type { Bits } from './bits.ts'
import type { PlacedCapture } from './capture.ts'
import type { Clock } from './clock.ts'
import { emitCount } from './count.ts'
import { Decision } from './decide.ts'
import { emitKeyedLimit, emitRuleLimit, type Limit } from './limits.ts'
import type { MatchContext } from './match-context.ts'
import { decides, type PlacedRule } from './place.ts'
import { CAPTURED_BY, forget, loadSlot, SAMPLED_BY } from './stack.ts'
import type { Verdict } from './verdict.ts'

/** Stack slot with the rows of one word whose rules may act. */
const PENDING = 'pending rows'

export interface ActionEnv {
  readonly clock: Clock
  readonly secret: bigint
  readonly captures: readonly PlacedCapture[]
  readonly verdict: Verdict
}

/**
 * Does what the rules of the rows alive say. The first rule that decides is found before; the rules ahead of it that only count,
 * sample or limit act one after the other, in straight code, because the verifier follows loops once a turn.
 */
export class Actions {
  readonly #ctx: MatchContext
  readonly #env: ActionEnv
  readonly #others: readonly PlacedRule[]
  /** Absent when no rule decides. */
  readonly #decision: Decision | undefined

  constructor(ctx: MatchContext, rules: readonly PlacedRule[], env: ActionEnv) {
    this.#ctx = ctx
    this.#env = env
    this.#others = rules.filter(({ rule }) => !decides(rule))
    const deciding = rules.filter(({ rule }) => decides(rule))
    if (deciding.length > 0) this.#decision = new Decision(ctx, deciding, this.#decidingRows())
  }

  emit(): void {
    this.#decision?.emitSearch()
    for (let word = 0; word < this.#ctx.words; word++) {
      const rules = this.#others.filter(({ rows }) => rows[0]! >> 6 === word)
      if (rules.length > 0) this.#emitWord(word, rules)
    }
    if (this.#decision) this.#decision.emitVerdict(this.#env.verdict)
    else this.#ctx.asm.jump(this.#ctx.none)
  }

  #decidingRows(): Bits {
    const deciding = this.#ctx.all.copy()
    for (const { rows } of this.#others) for (const row of rows) deciding.clear(row)
    return deciding
  }

  #emitWord(word: number, rules: readonly PlacedRule[]): void {
    const { asm, stack, words } = this.#ctx
    const skip = asm.label('word done')
    const mask = rules.reduce((sum, rule) => sum | rowMask(rule), 0n)
    if (words > 1) {
      asm.constant(r1, 1n << BigInt(word))
      asm.alu('and', r1, r8)
      asm.jumpIf(r1, '==', 0, skip)
    }
    asm.constant(r7, mask)
    if (words === 1) asm.alu('and', r7, r8)
    else {
      asm.mov(r2, this.#ctx.placeOfWord(word) * 8)
      this.#ctx.andWord(r7, r2, [word])
    }
    asm.jumpIf(r7, '==', 0, skip)
    if (rules.length > 1) {
      forget(asm, stack, r7, r1)
      asm.storeStack('u64', stack.slot(PENDING), r7)
    }
    for (const rule of rules) this.#emitRule(rule, rules.length > 1)
    asm.bind(skip)
  }

  /** `asked`: whether the rule's rows are among those pending is not yet known. */
  #emitRule(placed: PlacedRule, asked: boolean): void {
    const { asm, stack } = this.#ctx
    const { action } = placed.rule
    const [act, next] = [asm.label(placed.rule.id), asm.label('next rule')]
    if (asked) {
      loadSlot(asm, r1, stack.slot(PENDING))
      asm.constant(r2, rowMask(placed))
      asm.jumpIf(r1, '&', r2, act)
      asm.jump(next)
      asm.bind(act)
    }
    this.#decision?.jumpIfBefore(placed.rank, next)
    if (action.kind === 'limit') this.#emitLimit(placed, action, next)
    else {
      asm.mov(r1, placed.slot)
      emitCount(asm, stack)
      if (action.kind === 'sample') this.#emitSample(placed, action.every, next)
    }
    asm.bind(next)
  }

  /** Over the limit: dropped. Under it: on to the next rule, and not counted here. */
  #emitLimit({ rule, slot }: PlacedRule, limit: Limit, under: Label): void {
    const { asm, stack } = this.#ctx
    const { clock, secret, verdict } = this.#env
    const over = asm.label('over')
    if (limit.per.kind === 'rule') emitRuleLimit(asm, clock, limit, slot, over, under)
    else emitKeyedLimit(asm, stack, clock, { ruleId: rule.id, limit, secret }, over, under)
    asm.bind(over)
    asm.mov(r1, slot)
    asm.jump(verdict.drop)
  }

  /** r2 = packets counted on this CPU. */
  #emitSample({ rule, slot }: PlacedRule, every: number, no: Label): void {
    const { asm, stack } = this.#ctx
    asm.alu('mod', r2, every)
    asm.jumpIf(r2, '!=', 0, no)
    const capture = this.#env.captures.find(({ id }) => id === rule.id)
    if (capture !== undefined) return this.#emitWanted(capture.bit)
    asm.mov(r4, slot)
    forget(asm, stack, r4, r5)
    asm.storeStack('u64', stack.slot(SAMPLED_BY), r4)
  }

  #emitWanted(bit: number): void {
    const { asm, stack } = this.#ctx
    const slot = stack.slot(CAPTURED_BY)
    loadSlot(asm, r4, slot)
    asm.alu('or', r4, bit)
    forget(asm, stack, r4, r5)
    asm.storeStack('u64', slot, r4)
  }
}

const rowMask = ({ rows }: PlacedRule): bigint => rows.reduce((mask, row) => mask | (1n << BigInt(row & 63)), 0n)
