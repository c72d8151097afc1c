import type { Assembler, Register } from '../asm/index.ts'
import { CompileError } from './errors.ts'

const STACK_BYTES = 512

/** Names 8-byte slots of the program's stack. Offsets are negative, from the frame pointer. */
export class Stack {
  readonly #slots = new Map<string, number>()

  slot(name: string): number {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const offset = -8 * (this.#slots.size + 1)
    if (offset < -STACK_BYTES)
      throw new CompileError(
        'too_many_fields',
        `Cannot compile: the rules use more than ${STACK_BYTES / 8} distinct fields, which is all that a program's stack holds [split the rule set]`,
      )
    this.#slots.set(name, offset)
    return offset
  }

  /** Slots side by side; the offset of the lowest. */
  area(name: string, slots: number): number {
    let lowest = 0
    for (let i = 0; i < slots; i++) lowest = this.slot(`${name} ${i}`)
    return lowest
  }
}

/** Slots that every program has. */
export const KEY = 'map key'
export const FRAME_LENGTH = 'frame length'
export const FACTS = 'facts'
export const FAMILY = 'family'
export const SAMPLED_BY = 'sampled by'
/** One bit for each capture that wants the packet. */
export const CAPTURED_BY = 'captured by'
export const CAPTURED_AT = 'captured at'
export const STEPS = 'steps'
/** Area for set lookups. */
export const SET_LOOKUP = 'set lookup'

/**
 * Make the verifier forget what it knows of a number, which stays the same: it adds the frame's length, unknown to it, and subtracts
 * it again. Paths through the code that differ only in constants then count as one, or verification would take seconds.
 */
export function forget(asm: Assembler, stack: Stack, register: Register, scratch: Register): void {
  asm.loadStack('u64', scratch, stack.slot(FRAME_LENGTH))
  asm.alu('add', register, scratch)
  asm.alu('sub', register, scratch)
}

/** Make the verifier treat a register as a number of its own: what tests tell about it no longer tells about its copies. */
export function unlink(asm: Assembler, register: Register): void {
  asm.alu('xor', register, 0)
}

/** Load a slot so that tests of the register tell the verifier nothing about the slot; see {@link forget}. */
export function loadSlot(asm: Assembler, register: Register, offset: number): void {
  asm.loadStack('u64', register, offset)
  unlink(asm, register)
}
