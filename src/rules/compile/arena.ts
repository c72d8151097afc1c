/** Lays out the one map of constant tables that a program reads by offset. */
export class Arena {
  readonly #parts: { readonly at: number; readonly bytes: Uint8Array }[] = []
  #size = 0

  /** Place `bytes` at the next multiple of 64, a cache line; returns the offset. */
  add(content: Uint8Array | Uint16Array | Uint32Array | BigUint64Array): number {
    const at = this.#size
    this.#parts.push({ at, bytes: new Uint8Array(content.buffer, content.byteOffset, content.byteLength) })
    this.#size = (at + content.byteLength + 63) & ~63
    return at
  }

  /** The contents of the map. */
  bytes(): Uint8Array {
    const result = new Uint8Array(Math.max(this.#size, 64))
    for (const { at, bytes } of this.#parts) result.set(bytes, at)
    return result
  }
}
