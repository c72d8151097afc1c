import { type Assembler, type Label, type Register, r1, r2, r3, r4, r5, r8 } from '../asm/index.ts'
import type { FieldName } from '../fields.ts'
import type { Arena } from './arena.ts'
import type { Bits } from './bits.ts'
import { orderOf, placeOfBit } from './lowest-bit.ts'
import type { Placement } from './place.ts'
import type { PacketSource } from './source/source.ts'
import { loadSlot, type Stack, unlink } from './stack.ts'

export const TABLES = 'tables'

const recordOf = (dimension: string): string => `rows of ${dimension}`
const aliveOf = (word: number): string => `rows alive of word ${word}`

/** With more dimensions than this, which would take too much of the stack, the words of rows are kept there, if they are few. */
const MANY_DIMENSIONS = 32
const FEW_WORDS = 16

/**
 * The matching half of a program. r8 holds the rows still alive: up to 64 rows, one bit each; with more, one bit for each
 * word of rows that still has some (an aggregated bit vector, Baboescu and Varghese 2001), and each dimension leaves on the stack where
 * its words lie. With many dimensions and few words the rows alive are on the stack themselves.
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
  /** The rows alive are on the stack, word by word. */
  readonly keepsWords: boolean
  /** For each dimension, when there is more than one word: the stack slot with its record's offset, and the words whose rows it tells apart. */
  readonly #records: { readonly slot: number; readonly tells: ReadonlySet<number> }[] = []
  /** Offset of a record with every row. */
  #all: number | undefined

  constructor(
    asm: Assembler,
    stack: Stack,
    arena: Arena,
    source: PacketSource,
    { all, dimensions }: Pick<Placement, 'all' | 'dimensions'>,
    facts: readonly FieldName[],
  ) {
    this.asm = asm
    this.stack = stack
    this.arena = arena
    this.source = source
    this.words = all.words.length
    this.order = orderOf(this.words)
    this.all = all
    this.keepsWords = this.words > 1 && this.words <= FEW_WORDS && dimensions.length > MANY_DIMENSIONS
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
    if (!this.keepsWords) return
    const at = this.#recordOfAll()
    for (const word of this.#wordsOf(this.all)) {
      this.loadTable(r1, at + this.placeInRecord(word))
      this.asm.load('u64', r1, r1, 0)
      this.asm.storeStack('u64', this.aliveSlot(word), r1)
    }
  }

  #recordOfAll(): number {
    this.#all ??= this.arena.add(BigUint64Array.from(this.record(this.all)))
    return this.#all
  }

  #wordsOf({ words }: Bits): number[] {
    return [...words.keys()].filter((word) => words[word] !== 0n)
  }

  /** Byte offset of a word in a record. */
  placeInRecord(word: number): number {
    return 8 + this.placeOfWord(word) * 8
  }

  aliveSlot(word: number): number {
    return this.stack.slot(aliveOf(word))
  }

  /** Leave this dimension, and its record, to what holds for every packet: no row alive depends on it. */
  skip(name: string): void {
    if (this.words === 1 || this.keepsWords) return
    this.asm.storeStack('u64', this.stack.slot(recordOf(name)), this.#recordOfAll())
  }

  /** The slot for the offset of a dimension's record. */
  keep(name: string, classes: readonly Bits[]): number {
    const slot = this.stack.slot(recordOf(name))
    this.#records.push({ slot, tells: new Set(this.toldApart(classes)) })
    return slot
  }

  /** The words of which some class has not all rows. */
  toldApart(classes: readonly Bits[]): number[] {
    const words = [...this.all.words.keys()]
    return words.filter((i) => classes.some((rows) => rows.words[i] !== this.all.words[i]))
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
    if (this.keepsWords) return this.#jumpIfWordsAlive(rows, some)
    this.asm.constant(r2, this.alive(rows))
    this.asm.jumpIf(r1, '&', r2, some)
  }

  /** To `some` if any of these rows may be alive. Uses r1 and r2. */
  jumpIfAlive(rows: Bits, some: Label): void {
    if (this.keepsWords) return this.#jumpIfWordsAlive(rows, some)
    this.#copyAlive()
    this.asm.constant(r2, this.alive(rows))
    this.asm.jumpIf(r1, '&', r2, some)
  }

  #jumpIfWordsAlive(rows: Bits, some: Label): void {
    for (const word of this.#wordsOf(rows)) {
      loadSlot(this.asm, r1, this.aliveSlot(word))
      this.asm.constant(r2, rows.words[word]!)
      this.asm.jumpIf(r1, '&', r2, some)
    }
  }

  /** Keep of a word only the rows of the record at r2. Uses r1 and r3. */
  keepOfWord(word: number): void {
    const { asm } = this
    const some = asm.label('some row')
    asm.load('u64', r1, r2, this.placeInRecord(word))
    asm.loadStack('u64', r3, this.aliveSlot(word))
    asm.alu('and', r1, r3)
    asm.storeStack('u64', this.aliveSlot(word), r1)
    unlink(asm, r1)
    asm.jumpIf(r1, '!=', 0, some)
    asm.constant(r1, ~(1n << BigInt(word)))
    asm.alu('and', r8, r1)
    asm.bind(some)
  }

  #copyAlive(): void {
    this.asm.mov(r1, r8)
    unlink(this.asm, r1)
  }

  /** `rows` &= rows alive in the word at byte offset `word`, which is one of `words`: see {@link wordsByDimensions}. Uses r4 and r5. */
  andWord(rows: Register, word: Register, words: readonly number[]): void {
    const { asm } = this
    if (this.keepsWords) {
      asm.loadStack('u64', r4, this.aliveSlot(words[0]!))
      asm.alu('and', rows, r4)
      return
    }
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

  /** Words that the same dimensions tell apart, side by side; words that are kept on the stack one by one. */
  wordsByDimensions(): number[][] {
    if (this.keepsWords) return [...this.all.words.keys()].map((word) => [word])
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
  /** Words that are kept on the stack, and change. */
  readonly #words: readonly number[]

  constructor(ctx: MatchContext, name: string, classes: readonly Bits[]) {
    this.#ctx = ctx
    this.#classes = classes
    this.#bytes = 8 * ctx.record(ctx.all).length
    this.#base = ctx.arena.add(BigUint64Array.from(classes.flatMap((rows) => ctx.record(rows))))
    this.#words = ctx.keepsWords ? ctx.toldApart(classes) : []
    if (ctx.words > 1 && !ctx.keepsWords) this.#slot = ctx.keep(name, classes)
  }

  /** Keep only the rows of one class, known now; read from memory, because constants would multiply the verifier's states. Uses r1 to r3. */
  applyConstant(number: number): void {
    const ctx = this.#ctx
    if (this.#slot !== undefined) {
      ctx.loadTable(r1, ctx.arena.add(Uint16Array.of(number)))
      ctx.asm.load('u16', r1, r1, 0)
      this.apply()
    } else if (ctx.keepsWords) {
      const words = ctx.toldApart([this.#classes[number]!])
      if (words.length > 0) ctx.loadTable(r2, this.#base + number * this.#bytes)
      for (const word of words) ctx.keepOfWord(word)
    } else if (ctx.alive(this.#classes[number]!) !== ctx.alive(ctx.all)) {
      ctx.loadTable(r1, this.#base + number * this.#bytes)
      ctx.asm.load('u64', r1, r1, 0)
      ctx.asm.alu('and', r8, r1)
    }
  }

  /** Keep only the rows of the class in r1. Uses r1 to r3. */
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
    for (const word of this.#words) this.#ctx.keepOfWord(word)
  }
}
