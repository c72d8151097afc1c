import {
  type Assembler,
  type Label,
  type Register,
  r0,
  r1,
  r2,
  r3,
  r5,
  r7,
  r8,
  r9,
  type SizeName,
} from '../../asm/index.ts'
import type { MalformedReason } from '../../counters.ts'
import type { FieldName } from '../../fields.ts'
import type { PacketSource } from '../source/source.ts'
import { FAMILY, forget, type Stack } from '../stack.ts'

/** Largest offset in a frame, which the verifier accepts in pointer arithmetic; XDP frames are smaller. */
export const OFFSET_MASK = 0x3fff

/** A number in a header: read `size` big-endian at byte `at`, shift right, mask, shift left. */
export interface HeaderField {
  readonly field: FieldName
  readonly size: SizeName
  readonly at: number
  readonly right?: number
  readonly mask?: number
  readonly left?: number
}

/** A fact that is a bit of a header: the byte at `at` has a bit of `mask`. */
export interface HeaderFact {
  readonly field: FieldName
  readonly at: number
  readonly mask: number
}

/**
 * Registers while a packet is read: r7 frame, r8 its end, r9 cursor (all pointers), r5 bytes of the IP packet from the
 * cursor on, r4 EtherType or protocol, r3 facts, r2 whether this is a first fragment; r0 and r1 are free.
 */
export class ParseContext {
  readonly asm: Assembler
  readonly stack: Stack
  readonly source: PacketSource
  /** What rules need on the stack: name of the slot → its value when the packet lacks it. */
  readonly #wanted: ReadonlyMap<string, number>
  readonly #facts: readonly FieldName[]
  readonly parsed: Label
  readonly malformed = new Map<MalformedReason, Label>()

  constructor(
    asm: Assembler,
    stack: Stack,
    source: PacketSource,
    wanted: ReadonlyMap<string, number>,
    facts: readonly FieldName[],
  ) {
    this.asm = asm
    this.stack = stack
    this.source = source
    this.#wanted = wanted
    this.#facts = facts
    this.parsed = asm.label('parsed')
  }

  uses(name: string): boolean {
    return this.#wanted.has(name)
  }

  /** What the slot of a used field holds when the packet lacks it. */
  absent(name: string): number {
    return this.#wanted.get(name)!
  }

  usesAny(prefix: string): boolean {
    return [...this.#wanted.keys(), ...this.#facts].some((name) => name.startsWith(prefix))
  }

  /** Names of used slots that begin so, such as the slices of `udp.payload`. */
  slots(prefix: string): string[] {
    return [...this.#wanted.keys()].filter((name) => name.startsWith(prefix))
  }

  fail(reason: MalformedReason): Label {
    let label = this.malformed.get(reason)
    if (!label) this.malformed.set(reason, (label = this.asm.label(reason)))
    return label
  }

  /** Continue only if `bytes` bytes lie between the cursor and the end of the frame. */
  need(bytes: number, otherwise: Label): void {
    const { asm } = this
    asm.mov(r0, r9)
    asm.alu('add', r0, bytes)
    asm.jumpIf(r0, '>', r8, otherwise)
  }

  /** Like {@link need}, and also within the IP packet (r5). */
  needInPacket(bytes: number, otherwise: Label): void {
    this.asm.jumpIf(r5, '<', bytes, otherwise)
    this.need(bytes, otherwise)
  }

  /** `register` = big-endian number at the cursor. */
  read(register: Register, size: SizeName, at: number): void {
    this.asm.load(size, register, r9, at)
    if (size !== 'u8') this.asm.swap(register, size === 'u16' ? 16 : size === 'u32' ? 32 : 64)
  }

  save(name: string, register: Register): void {
    if (this.uses(name)) this.asm.storeStack('u64', this.stack.slot(name), register)
  }

  saveFields(table: readonly HeaderField[]): void {
    for (const { field, size, at, right, mask, left } of table) {
      if (!this.uses(field)) continue
      this.read(r0, size, at)
      if (right !== undefined) this.asm.alu('rsh', r0, right)
      if (mask !== undefined) this.asm.alu('and', r0, mask)
      if (left !== undefined) this.asm.alu('lsh', r0, left)
      this.save(field, r0)
    }
  }

  saveFacts(table: readonly HeaderFact[]): void {
    for (const { field, at, mask } of table) {
      const bit = this.factBit(field)
      if (bit === undefined) continue
      const unset = this.asm.label(`not ${field}`)
      this.asm.load('u8', r0, r9, at)
      this.asm.alu('and', r0, mask)
      this.asm.jumpIf(r0, '==', 0, unset)
      this.asm.alu('or', r3, 1 << bit)
      this.asm.bind(unset)
    }
  }

  /** Note the IP version, if addresses are asked for. Uses r0 and r2. */
  saveFamily(version: 4 | 6): boolean {
    if (!(this.uses('ip.src') || this.uses('ip.dst'))) return false
    this.asm.mov(r0, version)
    this.forget(r0, r2)
    this.save(FAMILY, r0)
    return true
  }

  /** See {@link forget}; `scratch` is clobbered. */
  forget(register: Register, scratch: Register = r1): void {
    forget(this.asm, this.stack, register, scratch)
  }

  /** Forget by which way the cursor came here, so that what follows is verified once and not once a way. Uses r0. */
  forgetCursor(): void {
    const { asm } = this
    asm.mov(r0, r9)
    asm.alu('sub', r0, r7)
    asm.alu('and', r0, OFFSET_MASK)
    asm.mov(r9, r7)
    asm.alu('add', r9, r0)
  }

  /** State that these facts hold on the way through the code from here. */
  fact(...fields: FieldName[]): void {
    let mask = 0
    for (const field of fields) mask |= 1 << (this.factBit(field) ?? 31)
    mask &= 0x7fff_ffff
    if (mask !== 0) this.asm.alu('or', r3, mask)
  }

  factBit(field: FieldName): number | undefined {
    const bit = this.#facts.indexOf(field)
    return bit < 0 ? undefined : bit
  }

  /** Store a MAC address at the cursor (48 bits, big-endian). Uses r0 and r1. */
  saveMac(field: FieldName, at: number): void {
    if (!this.uses(field)) return
    this.read(r0, 'u16', at)
    this.asm.alu('lsh', r0, 32)
    this.read(r1, 'u32', at + 2)
    this.asm.alu('or', r0, r1)
    this.save(field, r0)
  }
}
