import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import { describeSlot } from './probe.ts'

/** Milliseconds for which a manifest is good to name rules by. */
const FRESH_MS = 250

/** Tells what decided, by the slot that a packet was counted in, while generations come and go. */
export class SlotNames {
  readonly #live: () => Live | undefined
  readonly #known = new Map<number, string>()
  #manifest: Manifest
  #readAt = 0

  /** `live` tells which generation is in force. `first`: the one in force now. */
  constructor(first: Manifest, live: () => Live | undefined) {
    this.#live = live
    this.#manifest = first
  }

  /** A rule's id, `default`, or `malformed:` or `syn-cookies:` and the reason. */
  of(slot: number): string {
    this.#refresh()
    const known = this.#known.get(slot)
    if (known !== undefined) return known
    const name = describeSlot(this.#manifest, slot)
    this.#known.set(slot, name)
    return name
  }

  #refresh(): void {
    const now = performance.now()
    if (now - this.#readAt < FRESH_MS) return
    this.#readAt = now
    this.#manifest = this.#read() ?? this.#manifest
    this.#known.clear()
  }

  /** While one generation takes the place of another there may be nothing to read: the one before does meanwhile. */
  #read(): Manifest | undefined {
    try {
      return this.#live()?.manifest
    } catch {
      return undefined
    }
  }
}
