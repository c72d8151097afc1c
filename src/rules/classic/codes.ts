import { Alu, Jump } from '../asm/opcodes.ts'
import type { Arithmetic, ClassicCondition, LoadSize } from './operation.ts'

/** Parts of a classic instruction's code (linux/bpf_common.h). eBPF took over those of arithmetic and conditions as they were. */
export const SIZES: Readonly<Record<LoadSize, number>> = { 4: 0x00, 2: 0x08, 1: 0x10 }

const { add, sub, mul, div, or, and, lsh, rsh, mod, xor } = Alu
export const ARITHMETIC: Readonly<Record<Arithmetic, number>> = { add, sub, mul, div, or, and, lsh, rsh, mod, xor }

export const CONDITIONS: Readonly<Record<ClassicCondition, number>> = {
  '==': Jump['=='],
  '>': Jump['>'],
  '>=': Jump['>='],
  '&': Jump['&'],
}
