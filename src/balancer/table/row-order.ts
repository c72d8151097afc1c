/** Every row of a table once, in an order that looks random and is the same on every machine. */
export function rowOrder(size: number): Uint32Array {
  const bits = Math.max(1, 32 - Math.clz32(size - 1))
  const order = new Uint32Array(size)
  let next = 0
  // Steps beyond the size are there only if that is no power of two.
  for (let step = 0; step < 2 ** bits; step++) {
    const row = scramble(step, bits)
    if (row < size) order[next++] = row
  }
  return order
}

/** A permutation of the numbers of so many bits: each of its steps can be undone. */
function scramble(number: number, bits: number): number {
  const mask = 2 ** bits - 1
  const shift = (bits + 1) >> 1
  let mixed = number ^ (number >>> shift)
  mixed = Math.imul(mixed, 0x9e3779b1) & mask
  mixed ^= mixed >>> shift
  mixed = Math.imul(mixed, 0x85ebca6b) & mask
  return mixed ^ (mixed >>> shift)
}
