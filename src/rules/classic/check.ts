import { ClassicError } from './error.ts'
import { formatOperation } from './format.ts'
import { CELLS, type ClassicProgram, MAX_OPERATIONS, type Operation, successors } from './operation.ts'

/**
 * Checks a program as the kernel does before it runs one (net/core/filter.c): all jumps go forward and stay inside, it ends with a return, no
 * division by a constant 0 and no shift by more than 31, and no cell of memory is read that is not written on every way there.
 *
 * @throws ClassicError `CLASSIC_UNSOUND` that names the instruction
 */
export function checkClassic(program: readonly Operation[]): ClassicProgram {
  if (program.length < 1 || program.length > MAX_OPERATIONS)
    throw new ClassicError('CLASSIC_UNSOUND', `It has ${program.length} instructions, wanted 1 to ${MAX_OPERATIONS}`)
  program.forEach((operation, place) => {
    const problem = problemOf(operation, place, program.length)
    if (problem !== undefined) unsound(program, place, problem)
  })
  checkMemory(program)
  return program
}

function problemOf(operation: Operation, place: number, length: number): string | undefined {
  for (const next of successors(operation, place)) {
    if (next <= place) return 'jumps backwards, as "protochain" does: the classic machine has no loops'
    if (next >= length) return 'goes on behind the end of the program'
  }
  if ('cell' in operation && operation.cell >= CELLS) return `has no cell ${operation.cell}, wanted 0 to ${CELLS - 1}`
  if (operation.kind !== 'arithmetic' || operation.operand === 'x') return undefined
  const { op, operand } = operation
  if ((op === 'div' || op === 'mod') && operand === 0) return 'divides by zero'
  if ((op === 'lsh' || op === 'rsh') && operand > 31) return 'shifts by more than 31 bits'
  return undefined
}

/** Which cells are written on every way to an instruction, a bit each. */
function checkMemory(program: ClassicProgram): void {
  const written = new Array<number>(program.length).fill(-1)
  written[0] = 0
  program.forEach((operation, place) => {
    let cells = written[place]!
    if (operation.kind === 'recall' && !(cells & (1 << operation.cell)))
      unsound(program, place, `reads cell ${operation.cell}, which is not written on every way there`)
    if (operation.kind === 'store') cells |= 1 << operation.cell
    for (const next of successors(operation, place)) written[next]! &= cells
  })
}

function unsound(program: ClassicProgram, place: number, problem: string): never {
  throw new ClassicError('CLASSIC_UNSOUND', `Instruction ${place}, "${formatOperation(program[place]!)}", ${problem}`)
}
