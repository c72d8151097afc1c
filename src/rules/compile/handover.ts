import { type Assembler, fp, Helper, type Label, r0, r1, r2, r7, r9 } from '../asm/index.ts'
import type { PlacedCapture } from './capture.ts'
import { CAPTURED_BY, KEY, SAMPLED_BY, type Stack } from './stack.ts'

/** Per-CPU map in which a program leaves for those behind it what they need to know of a packet. */
export const HANDOVERS = 'handovers'

/** Offsets of u32 in its value: `struct handover` of bpf/syncookies.bpf.c. */
export const Handover = {
  /** Deciding counter slot. */
  slot: 0,
  verdict: 4,
  /** Not 0 if somebody wants a copy. */
  wanted: 8,
  /** {@link CAPTURED_BY}, and {@link SAMPLED_BY}. */
  captured: 12,
  sampled: 16,
  size: 72,
} as const

/** Who copies packets. */
export interface Copiers {
  readonly samples: boolean
  readonly captures: readonly PlacedCapture[]
}

export const areThere = ({ samples, captures }: Copiers): boolean => samples || captures.length > 0

/** Slots of the stack, and where their contents are handed over. */
const handed = ({ samples, captures }: Copiers) => [
  ...(captures.length > 0 ? [[CAPTURED_BY, Handover.captured] as const] : []),
  ...(samples ? [[SAMPLED_BY, Handover.sampled] as const] : []),
]

/** r0 = this CPU's handover; to `missing` if there is none. Clobbers r1 to r5. */
function emitFind(asm: Assembler, stack: Stack, missing: Label): void {
  const key = stack.slot(KEY)
  asm.storeStack('u32', key, 0)
  asm.mov(r2, fp)
  asm.alu('add', r2, key)
  asm.loadMap(r1, HANDOVERS)
  asm.call(Helper.mapLookup)
  asm.jumpIf(r0, '==', 0, missing)
}

/** Tell the programs behind who wants a copy of a packet that the slot in r9 decided; to `missing` if that cannot be. */
export function emitHandOver(asm: Assembler, stack: Stack, copiers: Copiers, missing: Label): void {
  emitFind(asm, stack, missing)
  asm.store('u32', r0, Handover.slot, r9)
  asm.mov(r2, copiers.captures.some(({ everything }) => everything) ? 1 : 0)
  for (const [slot, at] of handed(copiers)) {
    asm.loadStack('u64', r1, stack.slot(slot))
    asm.store('u32', r0, at, r1)
    asm.alu('or', r2, r1)
  }
  asm.store('u32', r0, Handover.wanted, r2)
}

/** What was handed over: slots of the stack are as they were, r9 = deciding slot, r7 = verdict. */
export function emitTakeOver(asm: Assembler, stack: Stack, copiers: Copiers, missing: Label): void {
  emitFind(asm, stack, missing)
  asm.load('u32', r9, r0, Handover.slot)
  asm.load('u32', r7, r0, Handover.verdict)
  for (const [slot, at] of handed(copiers)) {
    asm.load('u32', r1, r0, at)
    asm.storeStack('u64', stack.slot(slot), r1)
  }
}
