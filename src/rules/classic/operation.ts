/**
 * The classic BPF machine (McCanne and Jacobson, USENIX 1993) as Linux runs it: an accumulator A and an index X of 32 bits, both 0 at
 * first, 16 cells of memory, jumps only forward. What it returns is a number; a filter matches if that is not 0.
 */

/** Cells of memory. */
export const CELLS = 16
/** Instructions of a program at most (`BPF_MAXINSNS`). */
export const MAX_OPERATIONS = 4096

/** `A` or `X`. */
export type ClassicRegister = 'a' | 'x'
/** Bytes that a load reads, big-endian. */
export type LoadSize = 1 | 2 | 4

export type Arithmetic = 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'and' | 'or' | 'xor' | 'lsh' | 'rsh'
/** `&`: the operand and A have a bit in common. All are unsigned. */
export type ClassicCondition = '==' | '>' | '>=' | '&'

/** One instruction. Jumps name the place of the instruction to go on with. */
export type Operation =
  /** A = bytes of the packet at `offset`, or at X + `offset`. Out of bounds, the program returns 0. */
  | { readonly kind: 'load'; readonly size: LoadSize; readonly indirect: boolean; readonly offset: number }
  /** X = 4 × the lower half of the byte at `offset`: the length of an IPv4 header. */
  | { readonly kind: 'header-length'; readonly offset: number }
  | { readonly kind: 'length'; readonly to: ClassicRegister }
  | { readonly kind: 'constant'; readonly to: ClassicRegister; readonly value: number }
  | { readonly kind: 'recall'; readonly to: ClassicRegister; readonly cell: number }
  | { readonly kind: 'store'; readonly from: ClassicRegister; readonly cell: number }
  /** A = A op operand; division by an X of 0 returns 0, of the operand of a shift the lower five bits count. */
  | { readonly kind: 'arithmetic'; readonly op: Arithmetic; readonly operand: number | 'x' }
  | { readonly kind: 'negate' }
  | { readonly kind: 'copy'; readonly to: ClassicRegister }
  | { readonly kind: 'jump'; readonly to: number }
  | {
      readonly kind: 'branch'
      readonly condition: ClassicCondition
      readonly operand: number | 'x'
      readonly yes: number
      readonly no: number
    }
  | { readonly kind: 'return'; readonly value: number | 'a' }

/** A program that {@link checkClassic} has found to be sound. */
export type ClassicProgram = readonly Operation[]

/** Where an instruction may go on. */
export function successors(operation: Operation, place: number): readonly number[] {
  switch (operation.kind) {
    case 'return':
      return []
    case 'jump':
      return [operation.to]
    case 'branch':
      return operation.yes === operation.no ? [operation.yes] : [operation.yes, operation.no]
    default:
      return [place + 1]
  }
}
