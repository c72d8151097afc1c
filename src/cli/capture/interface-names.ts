import type { Control } from '../../agent/index.ts'

/** Milliseconds between two questions after an index that nobody knows. */
const PATIENCE_MS = 1_000

/** Names of interfaces by their index; asks again when a reload may have brought a new one. */
export class InterfaceNames {
  readonly #control: Pick<Control, 'status'>
  #names: Promise<ReadonlyMap<number, string>> | undefined
  #askedAt = 0

  constructor(control: Pick<Control, 'status'>) {
    this.#control = control
  }

  async of(ifindex: number): Promise<string> {
    const known = await this.#names
    if (!known?.has(ifindex)) this.#askAgain()
    return (await this.#names)?.get(ifindex) ?? `interface ${ifindex}`
  }

  #askAgain(): void {
    const now = performance.now()
    if (this.#names !== undefined && now - this.#askedAt < PATIENCE_MS) return
    this.#askedAt = now
    this.#names = this.#ask()
  }

  async #ask(): Promise<ReadonlyMap<number, string>> {
    const { firewall } = await this.#control.status()
    return new Map(firewall?.interfaces.map((one) => [one.ifindex, one.name]))
  }
}
