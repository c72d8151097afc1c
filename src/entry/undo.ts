/** What must be done to get back, in the reverse order. */
export class Undo {
  readonly #steps: (() => void)[] = []

  push(step: () => void): void {
    this.#steps.push(step)
  }

  run(): void {
    for (const step of this.#steps.splice(0).reverse()) step()
  }
}
