import { type Assembler, fp, Helper, r0, r1, r2, r3 } from '../asm/index.ts'
import { FRAME_LENGTH, KEY, type Stack } from './stack.ts'

export const COUNTERS = 'counters'

/** Count a packet under the slot in r1; r2 = packets counted on this CPU so far. Clobbers r0 to r5. */
export function emitCount(asm: Assembler, stack: Stack): void {
  const missing = asm.label('no counter')
  const key = stack.slot(KEY)
  asm.storeStack('u32', key, r1)
  asm.mov(r2, fp)
  asm.alu('add', r2, key)
  asm.loadMap(r1, COUNTERS)
  asm.call(Helper.mapLookup)
  asm.mov(r2, 1)
  asm.jumpIf(r0, '==', 0, missing)
  asm.load('u64', r2, r0, 0)
  asm.alu('add', r2, 1)
  asm.store('u64', r0, 0, r2)
  asm.loadStack('u64', r3, stack.slot(FRAME_LENGTH))
  asm.load('u64', r1, r0, 8)
  asm.alu('add', r1, r3)
  asm.store('u64', r0, 8, r1)
  asm.bind(missing)
}
