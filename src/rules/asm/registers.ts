/** A register of the eBPF machine. An object, so that a register and an immediate cannot be confused. */
export interface Register {
  readonly register: number
}

const register = (n: number): Register => Object.freeze({ register: n })

/** Result of helpers, return value of the program. */
export const r0 = register(0)
/** r1 to r5 carry arguments and do not survive a call; r6 to r9 do. */
export const r1 = register(1)
export const r2 = register(2)
export const r3 = register(3)
export const r4 = register(4)
export const r5 = register(5)
export const r6 = register(6)
export const r7 = register(7)
export const r8 = register(8)
export const r9 = register(9)
/** The frame pointer: read-only, the stack lies below it. */
export const fp = register(10)
