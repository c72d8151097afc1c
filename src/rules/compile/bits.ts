/** A set of rows, one bit each, in 64-bit words. */
export class Bits {
  readonly words: BigUint64Array

  constructor(words: number | BigUint64Array) {
    this.words = typeof words === 'number' ? new BigUint64Array(words) : words.slice()
  }

  set(row: number): void {
    this.words[row >> 6]! |= 1n << BigInt(row & 63)
  }

  clear(row: number): void {
    this.words[row >> 6]! &= ~(1n << BigInt(row & 63))
  }

  copy(): Bits {
    return new Bits(this.words)
  }

  get key(): string {
    return this.words.join(',')
  }

  /** Bit i says that word i is not zero. */
  get summary(): bigint {
    return this.words.reduce((sum, word, i) => (word === 0n ? sum : sum | (1n << BigInt(i))), 0n)
  }
}
