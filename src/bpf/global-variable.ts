import type { BpfMap } from './map.ts'
import type { VariableSpec } from './spec.ts'

/** A global variable of a loaded object: memory that programs see at once. No other access is atomic than of one word. */
export class GlobalVariable<T> {
  readonly #view: DataView
  readonly #spec: VariableSpec<T>

  /** @param map of the section that the variable is in. */
  constructor(map: BpfMap, spec: VariableSpec<T>) {
    const memory = map.mmap()
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
    this.#spec = spec
  }

  get(): T {
    return this.#spec.codec.read(this.#view, this.#spec.offset)
  }

  set(value: T): void {
    this.#spec.codec.write(this.#view, this.#spec.offset, value)
  }
}
