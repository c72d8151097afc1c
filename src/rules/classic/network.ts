import { readsEthernetAddresses } from './bounds.ts'
import { ClassicError } from './error.ts'
import { formatOperation } from './format.ts'
import { type ClassicProgram, type Operation, successors } from './operation.ts'

/** Where the EtherType and where the packet lie in a frame. */
const [TYPE, NETWORK] = [12, 14]

/**
 * The same program for packets that begin with their network header, as iptables hands them to `-m bpf`: the EtherType is known, and what
 * can only be of another one is left out.
 *
 * @throws ClassicError `CLASSIC_FRAME` if it reads the Ethernet addresses, or puts the length into X
 */
export function toNetwork(program: ClassicProgram, etherType: number): ClassicProgram {
  if (readsEthernetAddresses(program))
    throw new ClassicError('CLASSIC_FRAME', 'It reads Ethernet addresses, wanted what IP packets have')
  const known = knownAccumulators(program, etherType)
  const jumps = program.map((operation, place) =>
    operation.kind === 'jump' ? operation.to : decided(operation, known[place]),
  )
  const target = (place: number): number => {
    const to = jumps[place]
    return to === undefined ? place : target(to)
  }
  return relocate(program, target, etherType)
}

/** What A holds before each instruction, `undefined` if that depends on the packet. Unreached instructions have `null`. */
function knownAccumulators(program: ClassicProgram, etherType: number): (number | undefined | null)[] {
  const known: (number | undefined | null)[] = program.map(() => null)
  known[0] = 0
  program.forEach((operation, place) => {
    const before = known[place]
    if (before === null) return
    const after = accumulatorAfter(operation, before, etherType)
    const decision = decided(operation, before)
    for (const next of decision === undefined ? successors(operation, place) : [decision])
      known[next] = known[next] === null || known[next] === after ? after : undefined
  })
  return known
}

function accumulatorAfter(operation: Operation, before: number | undefined, etherType: number): number | undefined {
  switch (operation.kind) {
    case 'load':
      return constantOf(operation, etherType)
    case 'constant':
      return operation.to === 'a' ? operation.value : before
    case 'length':
    case 'recall':
    case 'copy':
      return operation.to === 'a' ? undefined : before
    case 'arithmetic':
    case 'negate':
      return undefined
    default:
      return before
  }
}

/** The bytes of the EtherType that a load reads. */
function constantOf(
  { size, indirect, offset }: Extract<Operation, { kind: 'load' }>,
  etherType: number,
): number | undefined {
  if (indirect || offset < TYPE || offset + size > NETWORK) return undefined
  return size === 2 ? etherType : offset === TYPE ? etherType >> 8 : etherType & 0xff
}

/** Where a branch goes if A is known. */
function decided(operation: Operation, a: number | undefined | null): number | undefined {
  if (operation.kind !== 'branch' || operation.operand === 'x' || a === undefined || a === null) return undefined
  const { condition, operand, yes, no } = operation
  const holds = { '==': a === operand, '>': a > operand, '>=': a >= operand, '&': (a & operand) !== 0 }[condition]
  return holds ? yes : no
}

/** Writes down what is reached, at new places. */
function relocate(program: ClassicProgram, target: (place: number) => number, etherType: number): ClassicProgram {
  const reached = new Set<number>()
  const visit = (place: number): void => {
    const at = target(place)
    if (reached.has(at)) return
    reached.add(at)
    for (const next of successors(program[at]!, at)) visit(next)
  }
  visit(0)
  const order = [...reached].sort((a, b) => a - b)
  const parts = order.map((place, i) => {
    const operation = program[place]!
    const next = target(place + 1)
    const parts = isIdle(operation, program[next], etherType) ? [] : moved(operation, place, etherType)
    const falls = !['branch', 'return'].includes(operation.kind)
    return falls && next !== order[i + 1] ? [...parts, { kind: 'jump', to: next } as const] : parts
  })
  const places = new Map<number, number>()
  let length = 0
  order.forEach((place, i) => {
    places.set(place, length)
    length += parts[i]!.length
  })
  const at = (place: number): number => places.get(target(place))!
  return parts.flat().map((operation) => {
    if (operation.kind === 'jump') return { ...operation, to: at(operation.to) }
    if (operation.kind === 'branch') return { ...operation, yes: at(operation.yes), no: at(operation.no) }
    return operation
  })
}

/** A load of the EtherType that no branch needs any more. */
function isIdle(operation: Operation, next: Operation | undefined, etherType: number): boolean {
  if (operation.kind !== 'load' || constantOf(operation, etherType) === undefined) return false
  return next?.kind === 'load' || (next?.kind === 'return' && next.value !== 'a')
}

function moved(operation: Operation, place: number, etherType: number): Operation[] {
  const elsewhere = (): never => {
    const message = `Instruction ${place}, "${formatOperation(operation)}", needs the frame, wanted what IP packets have`
    throw new ClassicError('CLASSIC_FRAME', message)
  }
  if (operation.kind === 'length')
    return operation.to === 'a' ? [operation, { kind: 'arithmetic', op: 'add', operand: NETWORK }] : elsewhere()
  if (operation.kind !== 'load' && operation.kind !== 'header-length') return [operation]
  const constant = operation.kind === 'load' ? constantOf(operation, etherType) : undefined
  if (constant !== undefined) return [{ kind: 'constant', to: 'a', value: constant }]
  if (operation.offset < NETWORK) return elsewhere()
  return [{ ...operation, offset: operation.offset - NETWORK }]
}
