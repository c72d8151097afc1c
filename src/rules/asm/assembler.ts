import {
  Alu,
  type AluOp,
  Atomic,
  type AtomicOp,
  CALL,
  Class,
  type Condition,
  EXIT,
  JUMP_ALWAYS,
  Jump,
  LD_IMM64,
  MODE_ATOMIC,
  MODE_MEM,
  PSEUDO_CALL,
  Pseudo,
  Size,
  type SizeName,
  SOURCE_REGISTER,
} from './opcodes.ts'
import { fp, type Register } from './registers.ts'

/** A place in the program: made by {@link Assembler.label}, placed by {@link Assembler.bind}. */
export interface Label {
  readonly name: string
}

/** One 8-byte slot; the two slots of a 64-bit load are two of these. */
export interface Slot {
  readonly opcode: number
  readonly dst: number
  readonly src: number
  off: number
  imm: number
  /** Map whose file descriptor goes into `imm`. */
  readonly map?: string
}

type Operand = Register | number

const isRegister = (x: Operand): x is Register => typeof x === 'object'

/** Writes eBPF instructions in order, resolves labels and names of maps. */
export class Assembler {
  readonly #slots: Slot[] = []
  readonly #places = new Map<Label, number>()
  readonly #jumps: { at: number; to: Label; call: boolean }[] = []
  readonly #maps = new Set<string>()

  /** Maps that the program names, in order of first use. */
  get maps(): readonly string[] {
    return [...this.#maps]
  }

  get length(): number {
    return this.#slots.length
  }

  label(name = 'l'): Label {
    return { name }
  }

  bind(label: Label): void {
    if (this.#places.has(label)) throw new Error(`Cannot place label "${label.name}" twice`)
    this.#places.set(label, this.#slots.length)
  }

  /** `dst = dst op operand` in 64 bits. */
  alu(op: AluOp, dst: Register, operand: Operand): void {
    this.#alu(Class.alu64, op, dst, operand)
  }

  /** `dst = (u32) (dst op operand)`; the upper half becomes zero. */
  alu32(op: AluOp, dst: Register, operand: Operand): void {
    this.#alu(Class.alu, op, dst, operand)
  }

  #alu(cls: number, op: AluOp, dst: Register, operand: Operand): void {
    if (isRegister(operand)) this.#emit(cls | Alu[op] | SOURCE_REGISTER, dst.register, operand.register, 0, 0)
    else this.#emit(cls | Alu[op], dst.register, 0, 0, operand)
  }

  mov(dst: Register, operand: Operand): void {
    if (isRegister(operand) ? operand !== dst : true) this.alu('mov', dst, operand)
  }

  /** Any 64-bit constant, in the shortest form. */
  constant(dst: Register, value: bigint): void {
    const signed = BigInt.asIntN(64, value)
    if (signed >= -0x8000_0000n && signed <= 0x7fff_ffffn) this.mov(dst, Number(signed))
    else this.#load64(dst, Pseudo.none, Number(BigInt.asIntN(32, signed)), Number(BigInt.asIntN(32, signed >> 32n)))
  }

  /** Convert the low 16, 32 or 64 bits between big-endian and the machine's order (little-endian here), zero the rest. */
  swap(dst: Register, bits: 16 | 32 | 64): void {
    this.#emit(Class.alu | Alu.end | SOURCE_REGISTER, dst.register, 0, 0, bits)
  }

  load(size: SizeName, dst: Register, base: Register, offset: number): void {
    this.#emit(Class.ldx | MODE_MEM | Size[size], dst.register, base.register, offset, 0)
  }

  store(size: SizeName, base: Register, offset: number, value: Operand): void {
    if (isRegister(value)) this.#emit(Class.stx | MODE_MEM | Size[size], base.register, value.register, offset, 0)
    else this.#emit(Class.st | MODE_MEM | Size[size], base.register, 0, offset, value)
  }

  /** Load from the stack, `offset` below zero from the frame pointer. */
  loadStack(size: SizeName, dst: Register, offset: number): void {
    this.load(size, dst, fp, offset)
  }

  storeStack(size: SizeName, offset: number, value: Operand): void {
    this.store(size, fp, offset, value)
  }

  /** `compareExchange` compares with r0 and leaves the old value there (kernel ≥ 5.12). */
  atomic(op: AtomicOp, size: 'u32' | 'u64', base: Register, offset: number, value: Register): void {
    this.#emit(Class.stx | MODE_ATOMIC | Size[size], base.register, value.register, offset, Atomic[op])
  }

  jump(to: Label): void {
    this.#jump(JUMP_ALWAYS, 0, 0, 0, to)
  }

  jumpIf(left: Register, condition: Condition, right: Operand, to: Label): void {
    this.#jumpIf(Class.jmp, left, condition, right, to)
  }

  /** Compares the low 32 bits. */
  jumpIf32(left: Register, condition: Condition, right: Operand, to: Label): void {
    this.#jumpIf(Class.jmp32, left, condition, right, to)
  }

  #jumpIf(cls: number, left: Register, condition: Condition, right: Operand, to: Label): void {
    if (isRegister(right)) this.#jump(cls | Jump[condition] | SOURCE_REGISTER, left.register, right.register, 0, to)
    else this.#jump(cls | Jump[condition], left.register, 0, right, to)
  }

  #jump(opcode: number, dst: number, src: number, imm: number, to: Label): void {
    this.#jumps.push({ at: this.#slots.length, to, call: false })
    this.#emit(opcode, dst, src, 0, imm)
  }

  /** Pointer to the map itself, as helpers take it. */
  loadMap(dst: Register, map: string): void {
    this.#load64(dst, Pseudo.mapFd, 0, 0, map)
  }

  /** Pointer to byte `offset` of the only element of an array map (kernel ≥ 5.2). */
  loadMapValue(dst: Register, map: string, offset = 0): void {
    this.#load64(dst, Pseudo.mapValue, 0, offset, map)
  }

  #load64(dst: Register, pseudo: number, low: number, high: number, map?: string): void {
    if (map !== undefined) this.#maps.add(map)
    this.#emit(LD_IMM64, dst.register, pseudo, 0, low, map)
    this.#emit(0, 0, 0, 0, high)
  }

  call(helper: number): void {
    this.#emit(CALL, 0, 0, 0, helper)
  }

  /** Call a function of the same program: arguments in r1 to r5, result in r0. */
  callFunction(to: Label): void {
    this.#jumps.push({ at: this.#slots.length, to, call: true })
    this.#emit(CALL, 0, PSEUDO_CALL, 0, 0)
  }

  exit(): void {
    this.#emit(EXIT, 0, 0, 0, 0)
  }

  #emit(opcode: number, dst: number, src: number, off: number, imm: number, map?: string): void {
    this.#slots.push({ opcode, dst, src, off, imm, ...(map === undefined ? {} : { map }) })
  }

  /** The finished slots, labels resolved. */
  slots(): readonly Slot[] {
    for (const { at, to, call } of this.#jumps) {
      const place = this.#places.get(to)
      const slot = this.#slots[at]!
      if (place === undefined) throw new Error(`Cannot assemble: label "${to.name}" was never placed`)
      const distance = place - at - 1
      if (call) slot.imm = distance
      else if (distance > 0x7fff || distance < -0x8000)
        throw new RangeError(`Cannot assemble: jump to "${to.name}" spans ${distance} instructions, at most 32767`)
      else slot.off = distance
    }
    return this.#slots
  }

  /** The program's bytes (8 a slot, little-endian), with each map's file descriptor filled in. */
  assemble(fdOf: (map: string) => number): Uint8Array {
    const slots = this.slots()
    const bytes = new Uint8Array(slots.length * 8)
    const view = new DataView(bytes.buffer)
    slots.forEach((slot, i) => {
      view.setUint8(i * 8, slot.opcode)
      view.setUint8(i * 8 + 1, slot.dst | (slot.src << 4))
      view.setInt16(i * 8 + 2, slot.off, true)
      view.setInt32(i * 8 + 4, slot.map === undefined ? slot.imm | 0 : fdOf(slot.map), true)
    })
    return bytes
  }
}
