/** Backends that are to get rows, as often as each wants, evenly mixed: whoever stops early has served all alike. */
export class Receivers {
  readonly #order: Float64Array
  #next = 0

  /** @param wants rows by backend; those that are not positive get none. */
  constructor(wants: Int32Array) {
    const total = wants.reduce((sum, want) => sum + Math.max(0, want), 0)
    this.#order = new Float64Array(total)
    let at = 0
    for (const [backend, want] of wants.entries())
      for (let turn = 0; turn < want; turn++) this.#order[at++] = placeOf((turn + 0.5) / want, backend)
    this.#order.sort()
  }

  /** Undefined when all have what they want. */
  next(): number | undefined {
    const place = this.#order[this.#next++]
    return place === undefined ? undefined : place % BACKENDS
  }
}

/** Numbers of backends have 16 bits. */
const BACKENDS = 2 ** 16

/** A number that sorts by how far through its turns a backend is, then by its number. */
function placeOf(share: number, backend: number): number {
  return Math.floor(share * 2 ** 32) * BACKENDS + backend
}
