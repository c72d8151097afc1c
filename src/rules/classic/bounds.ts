import { MAX, maximaOfX } from './maxima.ts'
import { type ClassicProgram, type Operation, successors } from './operation.ts'

/** An X that may be greater does not count as the length of headers. */
export const MAX_INDEX = 0xfff

/**
 * For each instruction, how many bytes a packet must have at least for the program to return another number than 0 from there: of each way to
 * an accepting end the furthest byte that it reads at a fixed offset, and of all ways the least. Infinity: there is no such way.
 *
 * A packet that is shorter is refused whichever way it takes, because a load out of bounds refuses too. So one look at the length before
 * the first load stands for those of all loads that follow on every way.
 */
export function neededBytes(program: ClassicProgram, limit: number): readonly number[] {
  return leastOfAllWays(program, (operation, behind) => {
    const own = fixedEnd(operation)
    return own > limit ? Number.POSITIVE_INFINITY : Math.max(own, behind)
  })
}

/** The same for loads at X and more, as long as X stays: bytes that must be there from X on, as far as {@link MAX_INDEX} allows. */
export function neededFromIndex(program: ClassicProgram, limit: number): readonly number[] {
  return leastOfAllWays(program, (operation, behind) => {
    if (behind === Number.POSITIVE_INFINITY) return behind
    return setsIndex(operation) ? 0 : Math.max(indexedEnd(operation, limit), behind)
  })
}

/** Backwards: of each instruction what `step` makes of what the ways behind it need at least. */
function leastOfAllWays(program: ClassicProgram, step: (operation: Operation, behind: number) => number): number[] {
  const needed = new Array<number>(program.length).fill(Number.POSITIVE_INFINITY)
  for (let place = program.length - 1; place >= 0; place--) {
    const operation = program[place]!
    if (operation.kind === 'return') {
      if (operation.value !== 0) needed[place] = 0
    } else {
      const behind = Math.min(...successors(operation, place).map((next) => needed[next]!))
      needed[place] = step(operation, behind)
    }
  }
  return needed
}

/** The end of what an instruction reads at a fixed offset, 0 if it reads nothing. */
function fixedEnd(operation: Operation): number {
  if (operation.kind === 'header-length') return operation.offset + 1
  return operation.kind === 'load' && !operation.indirect ? operation.offset + operation.size : 0
}

/** The end of what it reads from X on; 0 also if that may be too far. */
export function indexedEnd(operation: Operation, limit: number): number {
  if (operation.kind !== 'load' || !operation.indirect) return 0
  const end = operation.offset + operation.size
  return end > limit - MAX_INDEX ? 0 : end
}

/** Whether an instruction changes X. */
export const setsIndex = (operation: Operation): boolean =>
  operation.kind === 'header-length' || ('to' in operation && operation.to === 'x')

/**
 * For each instruction, whether X is the length of headers there whichever way it was reached: then X plus an offset does not wrap
 * around, and one look at what there is from X on stands for many.
 */
export const hasSmallIndex = (program: ClassicProgram): readonly boolean[] =>
  maximaOfX(program).map((maximum) => maximum <= MAX_INDEX)

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

/** Where the EtherType of a frame begins: the addresses lie before it. */
const ETHERTYPE = 12

/** Whether a program may read the addresses of the Ethernet header. */
export function readsEthernetAddresses(program: ClassicProgram): boolean {
  const maxima = maximaOfX(program)
  return program.some((operation, place) => {
    if (operation.kind === 'header-length') return operation.offset < ETHERTYPE
    if (operation.kind !== 'load') return false
    return operation.offset < ETHERTYPE || (operation.indirect && maxima[place]! + operation.offset > MAX)
  })
}
