import type { Slot } from './assembler.ts'
import { Alu, Atomic, Class, Helper, Jump, LD_IMM64, MODE_ATOMIC, Pseudo, Size, SOURCE_REGISTER } from './opcodes.ts'

const nameOf = (table: Record<string, number>, code: number): string =>
  Object.entries(table).find(([, value]) => value === code)?.[0] ?? `0x${code.toString(16)}`

const symbols: Record<string, string> = {
  add: '+=',
  sub: '-=',
  mul: '*=',
  div: '/=',
  or: '|=',
  and: '&=',
  lsh: '<<=',
  rsh: '>>=',
  mod: '%=',
  xor: '^=',
  mov: '=',
  arsh: 's>>=',
}

const signed = (n: number): string => (n < 0 ? `- ${-n}` : `+ ${n}`)

function arithmetic(slot: Slot, letter: string): string {
  const op = slot.opcode & 0xf0
  if (op === Alu.end) return `${letter}${slot.dst} = be${slot.imm}(${letter}${slot.dst})`
  const operand = slot.opcode & SOURCE_REGISTER ? `${letter}${slot.src}` : `${slot.imm}`
  return `${letter}${slot.dst} ${symbols[nameOf(Alu, op)]} ${operand}`
}

function jump(slot: Slot, at: number, letter: string): string {
  if (slot.opcode === 0x95) return 'exit'
  if (slot.opcode === 0x85)
    return slot.src === 1 ? `call function at ${at + 1 + slot.imm}` : `call ${nameOf(Helper, slot.imm)}`
  const target = at + 1 + slot.off
  if (slot.opcode === 0x05) return `goto ${target}`
  const operand = slot.opcode & SOURCE_REGISTER ? `${letter}${slot.src}` : `${slot.imm}`
  return `if ${letter}${slot.dst} ${nameOf(Jump, slot.opcode & 0xf0)} ${operand} goto ${target}`
}

function memory(slot: Slot): string {
  const size = nameOf(Size, slot.opcode & 0x18)
  const at = (base: number) => `*(${size} *)(r${base} ${signed(slot.off)})`
  switch (slot.opcode & 0x07) {
    case Class.ldx:
      return `r${slot.dst} = ${at(slot.src)}`
    case Class.st:
      return `${at(slot.dst)} = ${slot.imm}`
    default:
      return (slot.opcode & 0xe0) === MODE_ATOMIC
        ? `${nameOf(Atomic, slot.imm)} ${at(slot.dst)}, r${slot.src}`
        : `${at(slot.dst)} = r${slot.src}`
  }
}

function load64(slot: Slot, high: number): string {
  if (slot.map === undefined) {
    const value = (BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(slot.imm))
    return `r${slot.dst} = 0x${value.toString(16)} ll`
  }
  return slot.src === Pseudo.mapValue ? `r${slot.dst} = &${slot.map}[0] + ${high}` : `r${slot.dst} = &${slot.map}`
}

function line(slots: readonly Slot[], at: number): string {
  const slot = slots[at]!
  switch (slot.opcode & 0x07) {
    case Class.ld:
      return load64(slot, slots[at + 1]?.imm ?? 0)
    case Class.alu:
      return arithmetic(slot, 'w')
    case Class.alu64:
      return arithmetic(slot, 'r')
    case Class.jmp:
      return jump(slot, at, 'r')
    case Class.jmp32:
      return jump(slot, at, 'w')
    default:
      return memory(slot)
  }
}

/** One line of text an instruction, in the notation of the kernel's verifier log. */
export function disassemble(slots: readonly Slot[]): string[] {
  const lines: string[] = []
  for (let at = 0; at < slots.length; at++) {
    lines.push(`${String(at).padStart(4)}: ${line(slots, at)}`)
    if (slots[at]!.opcode === LD_IMM64) at++
  }
  return lines
}
