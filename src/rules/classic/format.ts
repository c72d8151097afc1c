import type { Arithmetic, ClassicProgram, ClassicRegister, LoadSize, Operation } from './operation.ts'

const suffix: Readonly<Record<LoadSize, string>> = { 1: 'b', 2: 'h', 4: '' }
const conditions = { '==': 'jeq', '>': 'jgt', '>=': 'jge', '&': 'jset' } as const
const bitwise: ReadonlySet<Arithmetic> = new Set(['and', 'or', 'xor'])

const hex = (value: number): string => `#0x${value.toString(16)}`
const indexed = (register: ClassicRegister): string => (register === 'x' ? 'x' : '')

/** An instruction in the notation of `tcpdump -d`. */
export function formatOperation(operation: Operation): string {
  switch (operation.kind) {
    case 'load':
      return `ld${suffix[operation.size]} [${operation.indirect ? 'x + ' : ''}${operation.offset}]`
    case 'header-length':
      return `ldxb 4*([${operation.offset}]&0xf)`
    case 'length':
      return `ld${indexed(operation.to)} #pktlen`
    case 'constant':
      return `ld${indexed(operation.to)} ${hex(operation.value)}`
    case 'recall':
      return `ld${indexed(operation.to)} M[${operation.cell}]`
    case 'store':
      return `st${indexed(operation.from)} M[${operation.cell}]`
    case 'arithmetic':
      return `${operation.op} ${operand(operation.operand, bitwise.has(operation.op))}`
    case 'negate':
      return 'neg'
    case 'copy':
      return operation.to === 'x' ? 'tax' : 'txa'
    case 'jump':
      return `ja ${operation.to}`
    case 'branch': {
      const { condition, yes, no } = operation
      return `${conditions[condition]} ${operand(operation.operand, true)} jt ${yes} jf ${no}`
    }
    case 'return':
      return operation.value === 'a' ? 'ret a' : `ret #${operation.value}`
  }
}

const operand = (value: number | 'x', inHex: boolean): string =>
  value === 'x' ? 'x' : inHex ? hex(value) : `#${value}`

/** A program, one line an instruction. */
export const formatClassic = (program: ClassicProgram): string[] =>
  program.map((operation, place) => `(${String(place).padStart(3, '0')}) ${formatOperation(operation)}`)
