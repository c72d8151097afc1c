/** Things that must be closed, closed together in the reverse of the order in which they came. */
export class Handles {
  readonly #all: { close(): void }[] = []

  keep<T extends { close(): void }>(handle: T): T {
    this.#all.push(handle)
    return handle
  }

  close(): void {
    for (const handle of this.#all.splice(0).reverse()) handle.close()
  }
}
