import type { Control } from '../../agent/index.ts'

/** Milliseconds between two questions after an index that nobody knows. */
const PATIENCE_MS = 1_000

/** Names of interfaces by their index; asks again when a reload may have brought a new one. */
export class InterfaceNames {
  readonly #control: Pick<Control, 'status'>
  #names: ReadonlyMap<number, string> = new Map()
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(control: Pick<Control, 'status'>) {
    this.#control = control
  }

  /** Makes sure that these are known, if they can be. */
  async learn(indexes: Iterable<number>): Promise<void> {
    const isKnown = [...indexes].every((index) => this.#names.has(index))
    if (isKnown || performance.now() - this.#askedAt < PATIENCE_MS) return
    this.#askedAt = performance.now()
    const { firewall } = await this.#control.status()
    this.#names = new Map(firewall?.interfaces.map((one) => [one.ifindex, one.name]))
  }

  of(ifindex: number): string {
    return this.#names.get(ifindex) ?? `interface ${ifindex}`
  }
}
