import type { ClassicInstruction } from '../../bpf/pcap-filter.ts'
import { ARITHMETIC, CONDITIONS, SIZES } from './codes.ts'
import type { ClassicProgram, Operation } from './operation.ts'

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
