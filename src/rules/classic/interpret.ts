import { type Arithmetic, CELLS, type ClassicCondition, type ClassicProgram, type Operation } from './operation.ts'

/**
 * Runs a program on a packet and gives what it returns: 0 is no match. It does what the kernel does, also where the machine's description is
 * silent: a load out of bounds and a division by zero return 0, of the operand of a shift the lower five bits count.
 */
export function interpret(program: ClassicProgram, packet: Uint8Array): number {
  return new Machine(program, packet).run()
}

class Machine {
  readonly #program: ClassicProgram
  readonly #packet: Uint8Array
  readonly #cells = new Uint32Array(CELLS)
  #a = 0
  #x = 0
  #place = 0
  #result: number | undefined

  constructor(program: ClassicProgram, packet: Uint8Array) {
    this.#program = program
    this.#packet = packet
  }

  run(): number {
    while (this.#result === undefined) this.#step(this.#program[this.#place++]!)
    return this.#result
  }

  #step(operation: Operation): void {
    switch (operation.kind) {
      case 'load':
        this.#a = this.#read((operation.offset + (operation.indirect ? this.#x : 0)) >>> 0, operation.size)
        return
      case 'header-length':
        this.#x = 4 * (this.#read(operation.offset, 1) & 15)
        return
      case 'length':
        return this.#set(operation.to, this.#packet.length)
      case 'constant':
        return this.#set(operation.to, operation.value)
      case 'recall':
        return this.#set(operation.to, this.#cells[operation.cell]!)
      case 'store':
        this.#cells[operation.cell] = operation.from === 'a' ? this.#a : this.#x
        return
      case 'arithmetic':
        return this.#calculate(operation.op, this.#operand(operation.operand))
      case 'negate':
        this.#a = -this.#a >>> 0
        return
      case 'copy':
        return this.#set(operation.to, operation.to === 'a' ? this.#x : this.#a)
      case 'jump':
        this.#place = operation.to
        return
      case 'branch':
        this.#place = holds(this.#a, operation.condition, this.#operand(operation.operand))
          ? operation.yes
          : operation.no
        return
      case 'return':
        this.#result = operation.value === 'a' ? this.#a : operation.value
    }
  }

  #operand(operand: number | 'x'): number {
    return operand === 'x' ? this.#x : operand
  }

  #set(register: 'a' | 'x', value: number): void {
    if (register === 'a') this.#a = value
    else this.#x = value
  }

  /** A big-endian number; the program ends with 0 if the packet does not have all of it. */
  #read(offset: number, size: number): number {
    if (offset + size > this.#packet.length) {
      this.#result = 0
      return 0
    }
    let value = 0
    for (let at = offset; at < offset + size; at++) value = value * 256 + this.#packet[at]!
    return value
  }

  #calculate(op: Arithmetic, operand: number): void {
    if ((op === 'div' || op === 'mod') && operand === 0) this.#result = 0
    else this.#a = calculations[op](this.#a, operand) >>> 0
  }
}

const calculations: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => Math.floor(a / b),
  mod: (a, b) => a % b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  lsh: (a, b) => a << b,
  rsh: (a, b) => a >>> b,
}

function holds(a: number, condition: ClassicCondition, b: number): boolean {
  switch (condition) {
    case '==':
      return a === b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '&':
      return (a & b) !== 0
  }
}
