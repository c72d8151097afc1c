import { type Assembler, type Label, r4 } from '../asm/index.ts'
import type { Quirk } from '../signatures/signature.ts'

/** Jumps to a label if something holds. */
export type Test = (to: Label) => void

/**
 * Which quirks a packet must have and must not have. A quirk that it must not have leads to `miss` where it shows; one that may show in
 * several places is noted in r4.
 */
export class Expectations {
  readonly #asm: Assembler
  readonly #wanted: readonly Quirk[]
  readonly #noted: Quirk[] = []
  readonly miss: Label

  constructor(asm: Assembler, wanted: readonly Quirk[], miss: Label) {
    this.#asm = asm
    this.#wanted = wanted
    this.miss = miss
    asm.mov(r4, 0)
  }

  wants(quirk: Quirk): boolean {
    return this.#wanted.includes(quirk)
  }

  /** A quirk that shows here or nowhere. */
  expect(quirk: Quirk, holds: Test): void {
    if (!this.wants(quirk)) return holds(this.miss)
    const yes = this.#asm.label(quirk)
    holds(yes)
    this.#asm.jump(this.miss)
    this.#asm.bind(yes)
  }

  /** A quirk that shows here, or in another place. */
  note(quirk: Quirk, holds: Test): void {
    if (!this.wants(quirk)) return holds(this.miss)
    const [yes, no] = [this.#asm.label(quirk), this.#asm.label(`not ${quirk}`)]
    holds(yes)
    this.#asm.jump(no)
    this.#asm.bind(yes)
    this.shows(quirk)
    this.#asm.bind(no)
  }

  /** A wanted quirk was seen. */
  shows(quirk: Quirk): void {
    this.#asm.alu('or', r4, this.#bit(quirk))
  }

  #bit(quirk: Quirk): number {
    if (!this.#noted.includes(quirk)) this.#noted.push(quirk)
    return 1 << this.#noted.indexOf(quirk)
  }

  /** To `miss` if a quirk did not show that has to; these are all that {@link note} is for. */
  finish(quirks: readonly Quirk[]): void {
    const mask = quirks.filter((quirk) => this.wants(quirk)).reduce((bits, quirk) => bits | this.#bit(quirk), 0)
    if (mask !== 0) this.#asm.jumpIf(r4, '!=', mask, this.miss)
  }
}
