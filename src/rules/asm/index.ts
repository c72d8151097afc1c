export { Assembler, type Label, type Slot } from './assembler.ts'
export { disassemble } from './disassembler.ts'
export { type Condition, Helper, type SizeName } from './opcodes.ts'
export * from './registers.ts'
