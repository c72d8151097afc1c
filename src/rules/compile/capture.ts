import { type Assembler, Helper, r0, r1, r2, r3, r4, r7, r8 } from '../asm/index.ts'
import type { Capture, Rule } from '../ast.ts'
import { CompileError } from './errors.ts'
import { emitPacketRecord, PacketRecord } from './packet-record.ts'
import type { PacketSource } from './source/index.ts'
import { CAPTURED_AT, CAPTURED_BY, FRAME_LENGTH, type Stack } from './stack.ts'
import { Xdp } from './xdp.ts'

/** Offsets in a captured packet. */
export const CaptureRecord = {
  ...PacketRecord,
  /** u32, packets lost so far. */
  lost: 28,
} as const

/** What the program and the reader of a capture tell each other, in memory that both see. */
export const CaptureLease = {
  /** u64, CLOCK_MONOTONIC nanoseconds: nothing is captured from then on. The reader puts it off as long as it lives. */
  until: 0,
  /** u64: packets that the ring buffer had no room for. */
  lost: 8,
  size: 16,
} as const

/** Longest copy of a packet, bytes: the longest frame of the loopback interface. */
export const MAX_SNAPLEN = 65_552

/** Captures of one program. */
export const MAX_CAPTURES = 16

/** A record has one of few sizes, as the verifier wants a constant; short packets shall not cost the room of long ones. */
const ROOMS = [256, 1_536, 9_216]

export const ringSymbol = (ruleId: string): string => `ring:${ruleId}`
export const leaseSymbol = (ruleId: string): string => `lease:${ruleId}`

/** A rule whose packets are captured, and its bit in the stack slot {@link CAPTURED_BY}. */
export interface PlacedCapture {
  readonly id: string
  readonly bit: number
  readonly capture: Capture
  /** Captures whatever comes, malformed packets included, which rules do not see. */
  readonly everything: boolean
}

/** @throws CompileError too_many_captures */
export function placeCaptures(rules: readonly Rule[]): PlacedCapture[] {
  const placed = rules.flatMap((rule) => {
    const { id, action, when, capture } = rule
    if (capture === undefined) return []
    const everything = when.kind === 'literal' && when.value && action.kind === 'sample' && action.every === 1
    return [{ id, capture, everything }]
  })
  if (placed.length > MAX_CAPTURES)
    throw new CompileError(
      'too_many_captures',
      `Cannot compile: there are ${placed.length} captures, wanted at most ${MAX_CAPTURES} at once [end one: seawall undo]`,
    )
  return placed.map((one, index) => ({ ...one, bit: 1 << index }))
}

/**
 * Copy the packet to the ring of every capture that wants it, with the deciding slot in r9 and the verdict in r7, which stay. A capture
 * whose reader died ends by itself, and one whose ring is full counts the packet as lost.
 */
export function emitCaptures(
  asm: Assembler,
  stack: Stack,
  source: PacketSource,
  captures: readonly PlacedCapture[],
): void {
  for (const each of captures) new CaptureEmitter(asm, stack, source, each).emit()
}

class CaptureEmitter {
  readonly #asm: Assembler
  readonly #stack: Stack
  readonly #source: PacketSource
  readonly #placed: PlacedCapture

  constructor(asm: Assembler, stack: Stack, source: PacketSource, placed: PlacedCapture) {
    this.#asm = asm
    this.#stack = stack
    this.#source = source
    this.#placed = placed
  }

  emit(): void {
    const asm = this.#asm
    const [wanted, lost, done] = [asm.label('captured'), asm.label('no room'), asm.label('capture done')]
    const { id, bit, capture, everything } = this.#placed
    if (!everything) {
      asm.loadStack('u64', r1, this.#stack.slot(CAPTURED_BY))
      asm.jumpIf(r1, '&', bit, wanted)
      asm.jump(done)
      asm.bind(wanted)
    }
    if (capture.verdict !== undefined) asm.jumpIf(r7, '!=', Xdp[capture.verdict], done)
    asm.call(Helper.ktimeGetNs)
    asm.loadMapValue(r1, leaseSymbol(id))
    asm.load('u64', r2, r1, CaptureLease.until)
    asm.jumpIf(r0, '>=', r2, done)
    asm.storeStack('u64', this.#stack.slot(CAPTURED_AT), r0)
    const rooms = roomsFor(capture.snaplen)
    for (const room of rooms) {
      const longer = asm.label('longer packet')
      asm.loadStack('u64', r4, this.#stack.slot(FRAME_LENGTH))
      if (room !== rooms.at(-1)) asm.jumpIf(r4, '>', room, longer)
      this.#emitReserve(room)
      asm.jumpIf(r0, '==', 0, lost)
      this.#emitRecord(Math.min(room, capture.snaplen))
      asm.jump(done)
      asm.bind(longer)
    }
    asm.bind(lost)
    asm.loadMapValue(r1, leaseSymbol(id))
    asm.mov(r2, 1)
    asm.atomic('add', 'u64', r1, CaptureLease.lost, r2)
    asm.bind(done)
  }

  #emitReserve(room: number): void {
    const asm = this.#asm
    asm.loadMap(r1, ringSymbol(this.#placed.id))
    asm.mov(r2, CaptureRecord.bytes + room)
    asm.mov(r3, 0)
    asm.call(Helper.ringbufReserve)
  }

  /** r0 = record with room for `most` bytes of the packet. */
  #emitRecord(most: number): void {
    const asm = this.#asm
    asm.mov(r8, r0)
    asm.loadStack('u64', r2, this.#stack.slot(CAPTURED_AT))
    emitPacketRecord(asm, this.#stack, this.#source, {
      most,
      emitOwn: () => {
        asm.loadMapValue(r1, leaseSymbol(this.#placed.id))
        asm.load('u64', r1, r1, CaptureLease.lost)
      },
    })
  }
}

/** Sizes of records, without their heads, for copies of up to so many bytes. */
function roomsFor(snaplen: number): number[] {
  return [...ROOMS.filter((room) => room < snaplen), Math.ceil(snaplen / 8) * 8]
}
