import { Assembler, fp, Helper, r0, r1, r2, r3, r6, r7 } from '../../rules/asm/index.ts'
import { type ClassicProgram, emitClassic } from '../../rules/classic/index.ts'
import { DatagramAccess } from './datagram-access.ts'

/** `SK_PASS`: the kernel chooses. */
const PASS = 1

/** Below the slot that loads go through. */
const cell = (number: number): number => -16 - 8 * number
const KEY = -8

export interface ReaderMaps {
  /** Descriptors of the maps that bpf/cookies.bpf.c goes on with. */
  readonly cookie_read: number
  readonly next_program: number
}

/** A program of a group with SO_REUSEPORT that reads the cookie of a datagram, 0 if it has none, and hands it to the next. */
export function emitReader(program: ClassicProgram, maps: ReaderMaps): Uint8Array {
  const asm = new Assembler()
  const [hit, miss, end] = [asm.label('hit'), asm.label('miss'), asm.label('end')]
  asm.mov(r6, r1)
  emitClassic(asm, program, { access: new DatagramAccess(), cell, hit, miss, tellsValue: true })
  asm.bind(miss)
  asm.mov(r7, 0)
  asm.bind(hit)
  asm.storeStack('u64', KEY, 0)
  asm.loadMap(r1, 'cookie_read')
  asm.mov(r2, fp)
  asm.alu('add', r2, KEY)
  asm.call(Helper.mapLookup)
  asm.jumpIf(r0, '==', 0, end)
  asm.store('u32', r0, 0, r7)
  asm.mov(r1, r6)
  asm.loadMap(r2, 'next_program')
  asm.mov(r3, 0)
  asm.call(Helper.tailCall)
  asm.bind(end)
  asm.mov(r0, PASS)
  asm.exit()
  return asm.assemble((map) => maps[map as keyof ReaderMaps])
}
