import { type Assembler, type Condition, type Label, r0, r7, r9 } from '../asm/index.ts'
import { canReject } from './bounds.ts'
import { type Guard, planGuards } from './guards.ts'
import type { Arithmetic, ClassicCondition, ClassicProgram, ClassicRegister, Operation } from './operation.ts'
import type { PacketAccess } from './packet-access.ts'

export interface TranslateOptions {
  readonly access: PacketAccess
  /** Offset of the stack slot of a cell of memory. */
  readonly cell: (cell: number) => number
  /** Where to go if the program returns another number than 0, and if it returns 0. */
  readonly hit: Label
  readonly miss: Label
  /** Whether the number that is returned is to be in r7 at `hit`. */
  readonly tellsValue?: boolean
}

/** A and X survive calls, so that an access may call helpers. */
const [A, X, SCRATCH] = [r7, r9, r0]
const registerOf = (name: ClassicRegister) => (name === 'a' ? A : X)

/** Emits a classic program as eBPF. Uses r0 to r5, r7 and r9. */
export function emitClassic(asm: Assembler, program: ClassicProgram, options: TranslateOptions): void {
  new Translator(asm, program, options).emit()
}

class Translator {
  readonly #asm: Assembler
  readonly #program: ClassicProgram
  readonly #options: TranslateOptions
  /** Instructions without one are left out, and jumps there go to `miss`. */
  readonly #guards: readonly (Guard | undefined)[]
  readonly #labels = new Map<number, Label>()

  constructor(asm: Assembler, program: ClassicProgram, options: TranslateOptions) {
    this.#asm = asm
    this.#program = program
    this.#options = options
    this.#guards = planGuards(program, options.access.limit)
  }

  emit(): void {
    const asm = this.#asm
    const { access, hit, miss } = this.#options
    asm.mov(A, 0)
    asm.mov(X, 0)
    // The verifier wants a way to everything, so either label is named even if the answer is always the same.
    if (!this.#guards[0]) {
      asm.jumpIf(A, '!=', 0, hit)
      return asm.jump(miss)
    }
    if (!canReject(this.#program)) asm.jumpIf(A, '!=', 0, miss)
    access.begin(asm)
    this.#program.forEach((operation, place) => {
      const guard = this.#guards[place]
      if (!guard) return
      const label = this.#labels.get(place)
      if (label) asm.bind(label)
      if (guard.bytes > 0) access.require(asm, guard.bytes, miss)
      if (guard.fromIndex > 0) access.requireFrom(asm, X, guard.fromIndex, miss)
      this.#emit(operation, guard, place)
    })
  }

  #labelOf(place: number): Label {
    if (!this.#guards[place]) return this.#options.miss
    let label = this.#labels.get(place)
    if (!label) this.#labels.set(place, (label = this.#asm.label(`classic ${place}`)))
    return label
  }

  #emit(operation: Operation, guard: Guard, place: number): void {
    const asm = this.#asm
    const { access, cell } = this.#options
    switch (operation.kind) {
      case 'load':
        return operation.indirect
          ? this.#loadIndirect(operation, guard)
          : access.load(asm, A, operation.offset, operation.size)
      case 'header-length':
        access.load(asm, X, operation.offset, 1)
        asm.alu32('and', X, 15)
        return asm.alu32('lsh', X, 2)
      case 'length':
        return access.length(asm, registerOf(operation.to))
      case 'constant':
        return asm.alu32('mov', registerOf(operation.to), operation.value)
      case 'recall':
        return asm.loadStack('u64', registerOf(operation.to), cell(operation.cell))
      case 'store':
        return asm.storeStack('u64', cell(operation.cell), registerOf(operation.from))
      case 'arithmetic':
        return this.#arithmetic(operation.op, operation.operand)
      case 'negate':
        asm.alu32('xor', A, -1)
        return asm.alu32('add', A, 1)
      case 'copy':
        return asm.alu32('mov', registerOf(operation.to), operation.to === 'a' ? X : A)
      case 'jump':
        return this.#goto(operation.to, place)
      case 'branch':
        return this.#branch(operation, place)
      case 'return':
        return this.#return(operation.value)
    }
  }

  #loadIndirect({ offset, size }: Extract<Operation, { kind: 'load' }>, { covered }: Guard): void {
    const asm = this.#asm
    const { access, miss } = this.#options
    if (covered) return access.loadFrom(asm, A, X, offset, size)
    // X is added to the constant, and not the other way round: verifiers from 6.12 on remember what was added to X.
    asm.alu32('mov', SCRATCH, offset)
    asm.alu32('add', SCRATCH, X)
    access.loadAt(asm, A, SCRATCH, size, miss)
  }

  /** eBPF takes the lower five bits of a shift too, but gives 0 for a division by 0 and goes on. */
  #arithmetic(op: Arithmetic, operand: number | 'x'): void {
    const asm = this.#asm
    if (operand !== 'x') return asm.alu32(op, A, operand)
    if (op === 'div' || op === 'mod') asm.jumpIf32(X, '==', 0, this.#options.miss)
    asm.alu32(op, A, X)
  }

  #branch({ condition, operand, yes, no }: Extract<Operation, { kind: 'branch' }>, place: number): void {
    const asm = this.#asm
    if (yes === no) return this.#goto(yes, place)
    const right = operand === 'x' ? X : operand
    const opposite = OPPOSITE[condition]
    if (opposite !== undefined && this.#follows(yes, place)) return asm.jumpIf32(A, opposite, right, this.#labelOf(no))
    asm.jumpIf32(A, condition, right, this.#labelOf(yes))
    this.#goto(no, place)
  }

  #goto(to: number, place: number): void {
    if (!this.#follows(to, place)) this.#asm.jump(this.#labelOf(to))
  }

  /** Whether `to` is the next instruction that is emitted. */
  #follows(to: number, place: number): boolean {
    return to === place + 1 && this.#guards[to] !== undefined
  }

  #return(value: number | 'a'): void {
    const asm = this.#asm
    const { hit, miss, tellsValue = false } = this.#options
    if (value === 'a') asm.jumpIf32(A, '!=', 0, hit)
    else if (tellsValue && value !== 0) asm.alu32('mov', A, value)
    asm.jump(value === 'a' || value === 0 ? miss : hit)
  }
}

const OPPOSITE: Partial<Record<ClassicCondition, Condition>> = { '==': '!=', '>': '<=', '>=': '<' }
