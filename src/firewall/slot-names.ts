import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import { describeSlot } from './probe.ts'

/** Milliseconds for which a manifest is good to name rules by. */
const FRESH_MS = 250

/** Tells what decided, by the slot that a packet was counted in, while generations come and go. */
export class SlotNames {
  readonly #live: () => Live | undefined
  #manifest: Manifest
  #readAt = 0

  /** `live` tells which generation is in force. `first`: the one in force now. */
  constructor(first: Manifest, live: () => Live | undefined) {
    this.#live = live
    this.#manifest = first
  }

  /** A rule's id, `default`, or `malformed:` and the reason. */
  of(slot: number): string {
    return describeSlot(this.#fresh(), slot)
  }

  #fresh(): Manifest {
    const now = performance.now()
    if (now - this.#readAt > FRESH_MS) {
      this.#readAt = now
      this.#manifest = this.#live()?.manifest ?? this.#manifest
    }
    return this.#manifest
  }
}
