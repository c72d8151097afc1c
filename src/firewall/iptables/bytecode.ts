import { maximaOfX } from '../../rules/classic/maxima.ts'
import type {
  Arithmetic,
  ClassicCondition,
  ClassicProgram,
  LoadSize,
  Operation,
} from '../../rules/classic/operation.ts'
import type { Family } from './family.ts'

/** XT_BPF_MAX_NUM_INSTR: longer programs do not fit into a rule of iptables. */
const MAX_INSTRUCTIONS = 64

/** Length of the header that a tcpdump expression counts from, and that is gone in iptables. */
const ETHERNET = 14
const ETHERTYPE_AT = 12
const etherTypes = { 4: 0x0800, 6: 0x86dd } as const

const MAX_OFFSET = 0x7fff_ffff

/** Numbers of the classic machine (linux/bpf_common.h). */
const sizes: Readonly<Record<LoadSize, number>> = { 4: 0x00, 2: 0x08, 1: 0x10 }
const conditions: Readonly<Record<ClassicCondition, number>> = { '==': 0x10, '>': 0x20, '>=': 0x30, '&': 0x40 }
const arithmetic: Readonly<Record<Arithmetic, number>> = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  mod: 0x90,
  xor: 0xa0,
}

/**
 * A tcpdump expression as `-m bpf --bytecode` reads it, for IP packets without an Ethernet header. Undefined if it cannot mean the same:
 * if it asks for the length or the addresses of the frame, counts from a number that may be anything, or is too long.
 */
export function bytecode(program: ClassicProgram, family: Family): string | undefined {
  if (program.length > MAX_INSTRUCTIONS) return undefined
  const maxima = maximaOfX(program)
  const instructions = program.map((operation, place) => {
    const moved = behindEthernet(operation, maxima[place]!, family)
    return moved === undefined ? undefined : encode(moved, place)
  })
  if (instructions.includes(undefined)) return undefined
  return `${instructions.length},${instructions.join(',')}`
}

/** The same for a packet without its Ethernet header. `x`: what X may be at most. */
function behindEthernet(operation: Operation, x: number, family: Family): Operation | undefined {
  switch (operation.kind) {
    case 'load':
      if (!operation.indirect && operation.offset === ETHERTYPE_AT && operation.size === 2) {
        return { kind: 'constant', to: 'a', value: etherTypes[family] }
      }
      // From 2^31 on, offsets mean other things to the kernel.
      if (operation.offset < ETHERNET || operation.offset + (operation.indirect ? x : 0) > MAX_OFFSET) return undefined
      return { ...operation, offset: operation.offset - ETHERNET }
    case 'header-length':
      return operation.offset < ETHERNET ? undefined : { ...operation, offset: operation.offset - ETHERNET }
    case 'length':
      return undefined
    default:
      return operation
  }
}

/** `CODE JT JF K`; undefined if a jump is too far. */
function encode(operation: Operation, place: number): string | undefined {
  switch (operation.kind) {
    case 'load':
      return `${(operation.indirect ? 0x40 : 0x20) | sizes[operation.size]} 0 0 ${operation.offset}`
    case 'header-length':
      return `${0xb1} 0 0 ${operation.offset}`
    case 'length':
      return `${operation.to === 'a' ? 0x80 : 0x81} 0 0 0`
    case 'constant':
      return `${operation.to === 'a' ? 0 : 1} 0 0 ${operation.value}`
    case 'recall':
      return `${operation.to === 'a' ? 0x60 : 0x61} 0 0 ${operation.cell}`
    case 'store':
      return `${operation.from === 'a' ? 2 : 3} 0 0 ${operation.cell}`
    case 'arithmetic':
      return `${4 | arithmetic[operation.op] | ofX(operation.operand)} 0 0 ${numberOf(operation.operand)}`
    case 'negate':
      return `${0x84} 0 0 0`
    case 'copy':
      return `${operation.to === 'x' ? 0x07 : 0x87} 0 0 0`
    case 'jump':
      return `5 0 0 ${operation.to - place - 1}`
    case 'branch': {
      const [yes, no] = [operation.yes - place - 1, operation.no - place - 1]
      if (yes > 255 || no > 255) return undefined
      return `${5 | conditions[operation.condition] | ofX(operation.operand)} ${yes} ${no} ${numberOf(operation.operand)}`
    }
    case 'return':
      return operation.value === 'a' ? `${0x16} 0 0 0` : `6 0 0 ${operation.value}`
  }
}

const ofX = (operand: number | 'x'): number => (operand === 'x' ? 8 : 0)
const numberOf = (operand: number | 'x'): number => (operand === 'x' ? 0 : operand)
