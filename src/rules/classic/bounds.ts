import { type ClassicProgram, type Operation, successors } from './operation.ts'

/**
 * For each instruction, how many bytes a packet must have at least for the program to return another number than 0 from there: of each way to
 * an accepting end the furthest byte that it reads at a fixed offset, and of all ways the least. Infinity: there is no such way.
 *
 * A packet that is shorter is refused whichever way it takes, because a load out of bounds refuses too. So one look at the length before
 * the first load stands for those of all loads that follow on every way.
 */
export function neededBytes(program: ClassicProgram, limit: number): readonly number[] {
  const needed = new Array<number>(program.length).fill(Number.POSITIVE_INFINITY)
  for (let place = program.length - 1; place >= 0; place--) {
    const operation = program[place]!
    if (operation.kind === 'return') {
      if (operation.value !== 0) needed[place] = 0
      continue
    }
    const least = Math.min(...successors(operation, place).map((next) => needed[next]!))
    const own = fixedEnd(operation)
    needed[place] = own > limit ? Number.POSITIVE_INFINITY : Math.max(own, least)
  }
  return needed
}

/** The end of what an instruction reads at a fixed offset, 0 if it reads nothing. */
function fixedEnd(operation: Operation): number {
  if (operation.kind === 'header-length') return operation.offset + 1
  return operation.kind === 'load' && !operation.indirect ? operation.offset + operation.size : 0
}

/** For each instruction, which instructions lead there; the first has none. Those that nothing reaches lead nowhere. */
export function predecessors(program: ClassicProgram): readonly (readonly number[])[] {
  const before = program.map((): number[] => [])
  program.forEach((operation, place) => {
    if (place > 0 && before[place]!.length === 0) return
    for (const next of successors(operation, place)) before[next]!.push(place)
  })
  return before
}

/** Whether a program can return 0, as far as its instructions tell. */
export function canReject(program: ClassicProgram): boolean {
  const before = predecessors(program)
  return program.some((operation, place) => (place === 0 || before[place]!.length > 0) && mayReject(operation))
}

function mayReject(operation: Operation): boolean {
  switch (operation.kind) {
    case 'return':
      return operation.value === 0 || operation.value === 'a'
    case 'arithmetic':
      return operation.operand === 'x' && (operation.op === 'div' || operation.op === 'mod')
    default:
      return operation.kind === 'load' || operation.kind === 'header-length'
  }
}
