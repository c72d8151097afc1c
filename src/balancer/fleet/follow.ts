import { compareStamps, type Stamp, stampOf, type TableDocument } from './document.ts'

/** What became of a table that was received. */
export type Verdict = 'newer' | 'same' | 'older'

/** The table of this machine. It is only ever replaced by a newer one, whoever made it. */
export class Held {
  #document: TableDocument | undefined
  #inForce: Stamp | undefined

  /** `document`: what the kernel has already. */
  constructor(document?: TableDocument) {
    this.#document = document
    this.#inForce = document && stampOf(document)
  }

  /** The newest table received. */
  get document(): TableDocument | undefined {
    return this.#document
  }

  get stamp(): Stamp | undefined {
    return this.#document && stampOf(this.#document)
  }

  /** The table that packets are sent by. It lags behind {@link document} while that is being written. */
  get inForce(): Stamp | undefined {
    return this.#inForce
  }

  accept(document: TableDocument): Verdict {
    const order = compareStamps(stampOf(document), this.stamp)
    if (order > 0) this.#document = document
    return order > 0 ? 'newer' : order === 0 ? 'same' : 'older'
  }

  /** Packets are now sent by this table. */
  putInForce(stamp: Stamp): void {
    if (compareStamps(stamp, this.#inForce) > 0) this.#inForce = stamp
  }
}
