import type { ClassicInstruction } from '../../bpf/pcap-filter.ts'
import type { Arithmetic, ClassicCondition, ClassicProgram, LoadSize, Operation } from './operation.ts'

/** Parts of a code (linux/bpf_common.h). */
const SIZES: Readonly<Record<LoadSize, number>> = { 4: 0x00, 2: 0x08, 1: 0x10 }
const ARITHMETIC: Readonly<Record<Arithmetic, number>> = {
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
const CONDITIONS: Readonly<Record<ClassicCondition, number>> = { '==': 0x10, '>': 0x20, '>=': 0x30, '&': 0x40 }

const plain = (code: number, k = 0): ClassicInstruction => ({ code, jt: 0, jf: 0, k })
/** A code whose operand is a constant or X. */
const withOperand = (code: number, operand: number | 'x'): ClassicInstruction =>
  operand === 'x' ? plain(code | 0x08) : plain(code, operand)

/** An instruction as the kernel takes it; the distance of a branch must be below 256. */
function encodeOperation(operation: Operation, place: number): ClassicInstruction {
  switch (operation.kind) {
    case 'load':
      return plain(SIZES[operation.size] | (operation.indirect ? 0x40 : 0x20), operation.offset)
    case 'header-length':
      return plain(0xb1, operation.offset)
    case 'length':
      return plain(operation.to === 'a' ? 0x80 : 0x81)
    case 'constant':
      return plain(operation.to === 'a' ? 0x00 : 0x01, operation.value)
    case 'recall':
      return plain(operation.to === 'a' ? 0x60 : 0x61, operation.cell)
    case 'store':
      return plain(operation.from === 'a' ? 0x02 : 0x03, operation.cell)
    case 'arithmetic':
      return withOperand(0x04 | ARITHMETIC[operation.op], operation.operand)
    case 'negate':
      return plain(0x84)
    case 'copy':
      return plain(operation.to === 'x' ? 0x07 : 0x87)
    case 'jump':
      return plain(0x05, operation.to - place - 1)
    case 'branch': {
      const { condition, operand, yes, no } = operation
      return { ...withOperand(0x05 | CONDITIONS[condition], operand), jt: yes - place - 1, jf: no - place - 1 }
    }
    case 'return':
      return operation.value === 'a' ? plain(0x16) : plain(0x06, operation.value)
  }
}

export const encodeClassic = (program: ClassicProgram): ClassicInstruction[] => program.map(encodeOperation)
