import { type Assembler, type Label, type Register, r1, r2, r4, r5, r8 } from '../asm/index.ts'
import type { FieldName } from '../fields.ts'
import type { Arena } from './arena.ts'
import type { Bits } from './bits.ts'
import { orderOf, placeOfBit } from './lowest-bit.ts'
import type { PacketSource } from './source/source.ts'
import { type Stack, unlink } from './stack.ts'

export const TABLES = 'tables'

const recordOf = (dimension: string): string => `rows of ${dimension}`

/**
 * The matching half of a program. r8 holds the rows still alive: up to 64 rows, one bit each; with more, one bit for each
 * word of rows that still has some (an aggregated bit vector, Baboescu and Varghese 2001), and each dimension leaves on the stack where
 * its words lie.
 */
export class MatchContext {
  readonly asm: Assembler
  readonly stack: Stack
  readonly arena: Arena
  readonly source: PacketSource
  /** 64-bit words of rows. */
  readonly words: number
  /** log2 of the places that these words take in a table. */
  readonly order: number
  /** Where to go when no row is left. */
  readonly none: Label
  readonly facts: readonly FieldName[]
  readonly all: Bits
  /** For each dimension, when there is more than one word: the stack slot with its record's offset, and the words whose rows it tells apart. */
  readonly #records: { readonly slot: number; readonly tells: ReadonlySet<number> }[] = []
  /** Offset of a record with every row. */
  #all: number | undefined

  constructor(
    asm: Assembler,
    stack: Stack,
    arena: Arena,
    source: PacketSource,
    all: Bits,
    facts: readonly FieldName[],
  ) {
    this.asm = asm
    this.stack = stack
    this.arena = arena
    this.source = source
    this.words = all.words.length
    this.order = orderOf(this.words)
    this.all = all
    this.none = asm.label('no row')
    this.facts = facts
  }

  placeOfWord(word: number): number {
    return placeOfBit(word, this.order)
  }

  /** The words of rows, in the order in which tables hold them. */
  wordsByPlace({ words }: Bits): BigUint64Array {
    const placed = new BigUint64Array(1 << this.order)
    words.forEach((word, i) => {
      placed[this.placeOfWord(i)] = word
    })
    return placed
  }

  /** A record of rows: their word, or the summary and the words. */
  record(rows: Bits): readonly bigint[] {
    return this.words === 1 ? [...rows.words] : [rows.summary, ...this.wordsByPlace(rows)]
  }

  /** What r8 is for a set of rows. */
  alive(rows: Bits): bigint {
    return this.words === 1 ? rows.words[0]! : rows.summary
  }

  /** Rows alive before anything is known. */
  begin(): void {
    this.asm.constant(r8, this.alive(this.all))
  }

  /** Leave this dimension, and its record, to what holds for every packet: no row alive depends on it. */
  skip(name: string): void {
    if (this.words === 1) return
    this.#all ??= this.arena.add(BigUint64Array.from(this.record(this.all)))
    this.asm.storeStack('u64', this.stack.slot(recordOf(name)), this.#all)
  }

  /** The slot for the offset of a dimension's record. */
  keep(name: string, classes: readonly Bits[]): number {
    const slot = this.stack.slot(recordOf(name))
    const words = [...this.all.words.keys()]
    const tells = new Set(words.filter((i) => classes.some((rows) => rows.words[i] !== this.all.words[i])))
    this.#records.push({ slot, tells })
    return slot
  }

  /** Place the sets of rows of one dimension's classes; what {@link apply} refers to. */
  dimension(name: string, classes: readonly Bits[]): Records {
    return new Records(this, name, classes)
  }

  /** To `none` if no row is alive. Tests a copy, so that the verifier learns nothing about r8; uses r1. */
  leaveIfNone(): void {
    this.#copyAlive()
    this.asm.jumpIf(r1, '==', 0, this.none)
  }

  /** To `none` if no row is alive, to `some` if any of these rows may be. Uses r1 and r2. */
  leaveOrJump(rows: Bits, some: Label): void {
    this.leaveIfNone()
    this.asm.constant(r2, this.alive(rows))
    this.asm.jumpIf(r1, '&', r2, some)
  }

  /** To `some` if any of these rows may be alive. Uses r1 and r2. */
  jumpIfAlive(rows: Bits, some: Label): void {
    this.#copyAlive()
    this.asm.constant(r2, this.alive(rows))
    this.asm.jumpIf(r1, '&', r2, some)
  }

  #copyAlive(): void {
    this.asm.mov(r1, r8)
    unlink(this.asm, r1)
  }

  /** `rows` &= rows alive in the word at byte offset `word`, which is one of `words`. Uses r4 and r5. */
  andWord(rows: Register, word: Register, words: readonly number[]): void {
    const { asm } = this
    this.loadTable(r4, 8)
    asm.alu('add', r4, word)
    for (const { slot, tells } of this.#records) {
      if (!words.some((one) => tells.has(one))) continue
      asm.loadStack('u64', r5, slot)
      asm.alu('add', r5, r4)
      asm.load('u64', r5, r5, 0)
      asm.alu('and', rows, r5)
    }
  }

  /** Words that the same dimensions tell apart, side by side. */
  wordsByDimensions(): number[][] {
    const groups = new Map<string, number[]>()
    for (let word = 0; word < this.words; word++) {
      const key = this.#records.flatMap(({ tells }, i) => (tells.has(word) ? [i] : [])).join()
      groups.set(key, [...(groups.get(key) ?? []), word])
    }
    return [...groups.values()]
  }

  loadTable(register: Register, offset: number): void {
    this.asm.loadMapValue(register, TABLES, offset)
  }
}

/** The sets of rows of one dimension, a record a class. */
export class Records {
  readonly #ctx: MatchContext
  readonly #classes: readonly Bits[]
  readonly #base: number
  readonly #bytes: number
  readonly #slot: number | undefined

  constructor(ctx: MatchContext, name: string, classes: readonly Bits[]) {
    this.#ctx = ctx
    this.#classes = classes
    this.#bytes = 8 * ctx.record(ctx.all).length
    this.#base = ctx.arena.add(BigUint64Array.from(classes.flatMap((rows) => ctx.record(rows))))
    if (ctx.words > 1) this.#slot = ctx.keep(name, classes)
  }

  /** Keep only the rows of one class, known now; read from memory, because constants would multiply the verifier's states. Uses r1 and r2. */
  applyConstant(number: number): void {
    const ctx = this.#ctx
    if (this.#slot !== undefined) {
      ctx.loadTable(r1, ctx.arena.add(Uint16Array.of(number)))
      ctx.asm.load('u16', r1, r1, 0)
      this.apply()
    } else if (ctx.alive(this.#classes[number]!) !== ctx.alive(ctx.all)) {
      ctx.loadTable(r1, this.#base + number * this.#bytes)
      ctx.asm.load('u64', r1, r1, 0)
      ctx.asm.alu('and', r8, r1)
    }
  }

  /** Keep only the rows of the class in r1. Uses r1 and r2. */
  apply(): void {
    const { asm, none } = this.#ctx
    asm.jumpIf(r1, '>=', this.#classes.length, none)
    if (this.#bytes === 8) asm.alu('lsh', r1, 3)
    else asm.alu('mul', r1, this.#bytes)
    if (this.#slot !== undefined) {
      asm.alu('add', r1, this.#base)
      asm.storeStack('u64', this.#slot, r1)
      this.#ctx.loadTable(r2, 0)
    } else this.#ctx.loadTable(r2, this.#base)
    asm.alu('add', r2, r1)
    asm.load('u64', r1, r2, 0)
    asm.alu('and', r8, r1)
  }
}
