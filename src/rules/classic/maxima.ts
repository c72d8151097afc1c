import { type Arithmetic, CELLS, type ClassicProgram, type Operation, successors } from './operation.ts'

/** The greatest number of the machine. */
export const MAX = 0xffff_ffff
/** What a header length, 4 × 15, is at most. */
const MAX_HEADER_LENGTH = 60

/** What A, X and each cell are at most. */
interface Maxima {
  readonly a: number
  readonly x: number
  readonly cells: readonly number[]
}

/** For each instruction, what X is at most when it is reached, whichever way. */
export function maximaOfX(program: ClassicProgram): readonly number[] {
  const before: (Maxima | undefined)[] = [{ a: 0, x: 0, cells: new Array<number>(CELLS).fill(0) }]
  program.forEach((operation, place) => {
    const maxima = before[place]
    if (!maxima) return
    const after = step(operation, maxima)
    for (const next of successors(operation, place)) before[next] = either(before[next] ?? after, after)
  })
  return program.map((_, place) => before[place]?.x ?? 0)
}

const either = (left: Maxima, right: Maxima): Maxima => ({
  a: Math.max(left.a, right.a),
  x: Math.max(left.x, right.x),
  cells: left.cells.map((cell, index) => Math.max(cell, right.cells[index]!)),
})

function step(operation: Operation, maxima: Maxima): Maxima {
  const { a, x, cells } = maxima
  switch (operation.kind) {
    case 'load':
      return { ...maxima, a: 2 ** (8 * operation.size) - 1 }
    case 'header-length':
      return { ...maxima, x: MAX_HEADER_LENGTH }
    case 'length':
      return { ...maxima, [operation.to]: MAX }
    case 'constant':
      return { ...maxima, [operation.to]: operation.value }
    case 'recall':
      return { ...maxima, [operation.to]: cells[operation.cell]! }
    case 'store':
      return { ...maxima, cells: cells.with(operation.cell, maxima[operation.from]) }
    case 'arithmetic':
      return {
        ...maxima,
        a: operation.operand === 'x' ? byX(operation.op, a, x) : by(operation.op, a, operation.operand),
      }
    case 'negate':
      return { ...maxima, a: MAX }
    case 'copy':
      return { ...maxima, [operation.to]: operation.to === 'a' ? x : a }
    default:
      return maxima
  }
}

/** What is at most left of a number up to `a` after an operation with `k`. */
function by(op: Arithmetic, a: number, k: number): number {
  switch (op) {
    case 'div':
      return Math.floor(a / k)
    case 'mod':
      return Math.min(a, k - 1)
    case 'lsh':
      return unlessGreater(a * 2 ** k)
    case 'rsh':
      return a >>> k
    default:
      return byX(op, a, k)
  }
}

/** And after one with a number up to `x`. */
function byX(op: Arithmetic, a: number, x: number): number {
  switch (op) {
    case 'add':
      return unlessGreater(a + x)
    case 'mul':
      return unlessGreater(a * x)
    case 'and':
      return Math.min(a, x)
    case 'or':
    case 'xor':
      return 2 ** (32 - Math.clz32(Math.max(a, x))) - 1
    case 'sub':
    case 'lsh':
      return MAX
    default:
      return a
  }
}

/** What wraps around may be anything. */
const unlessGreater = (number: number): number => Math.min(number, MAX)
