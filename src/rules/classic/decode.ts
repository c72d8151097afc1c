import type { ClassicInstruction } from '../../bpf/pcap-filter.ts'
import { ARITHMETIC, CONDITIONS, SIZES } from './codes.ts'
import { ClassicError } from './error.ts'
import type { Arithmetic, ClassicCondition, LoadSize, Operation } from './operation.ts'

/** From here on an offset is one of Linux's extensions (`SKF_LL_OFF` to `SKF_AD_OFF`), which ask the socket and not the packet. */
const EXTENSIONS = 0xffe0_0000

/** What each code stands for. */
const meanings = <T>(codes: Readonly<Record<string, number>>, names: readonly T[]): Readonly<Record<number, T>> =>
  Object.fromEntries(names.map((name) => [codes[String(name)]!, name]))

const LOAD_SIZES = meanings<LoadSize>(SIZES, [4, 2, 1])
const ARITHMETICS = meanings(ARITHMETIC, Object.keys(ARITHMETIC) as Arithmetic[])
const BRANCHES = meanings(CONDITIONS, Object.keys(CONDITIONS) as ClassicCondition[])

/** Instructions without parts that vary (linux/bpf_common.h, linux/filter.h). */
const FIXED: Readonly<Record<number, (k: number) => Operation>> = {
  0: (k) => ({ kind: 'constant', to: 'a', value: k }),
  1: (k) => ({ kind: 'constant', to: 'x', value: k }),
  96: (k) => ({ kind: 'recall', to: 'a', cell: k }),
  97: (k) => ({ kind: 'recall', to: 'x', cell: k }),
  128: () => ({ kind: 'length', to: 'a' }),
  129: () => ({ kind: 'length', to: 'x' }),
  177: (k) => ({ kind: 'header-length', offset: k }),
  2: (k) => ({ kind: 'store', from: 'a', cell: k }),
  3: (k) => ({ kind: 'store', from: 'x', cell: k }),
  132: () => ({ kind: 'negate' }),
  6: (k) => ({ kind: 'return', value: k }),
  22: () => ({ kind: 'return', value: 'a' }),
  7: () => ({ kind: 'copy', to: 'x' }),
  135: () => ({ kind: 'copy', to: 'a' }),
}

const ABSOLUTE = 0x20
const INDIRECT = 0x40

/**
 * What an instruction does.
 * @throws ClassicError `CLASSIC_UNKNOWN` that names it
 */
export function decode(instruction: ClassicInstruction, place: number): Operation {
  const { code, k } = instruction
  const operation =
    FIXED[code]?.(k) ?? decodeLoad(code, k) ?? decodeArithmetic(code, k) ?? decodeJump(instruction, place)
  if (!operation) unknown(instruction, place, 'is none of the classic machine')
  const reads = (operation.kind === 'load' && !operation.indirect) || operation.kind === 'header-length'
  if (reads && operation.offset >= EXTENSIONS)
    unknown(instruction, place, 'asks the socket and not the packet (an extension of Linux)')
  return operation
}

function decodeLoad(code: number, k: number): Operation | undefined {
  const [size, mode] = [LOAD_SIZES[code & 0x18], code & 0xe0]
  if ((code & 0xff07) !== 0 || size === undefined || (mode !== ABSOLUTE && mode !== INDIRECT)) return undefined
  return { kind: 'load', size, indirect: mode === INDIRECT, offset: k }
}

function decodeArithmetic(code: number, k: number): Operation | undefined {
  const op = ARITHMETICS[code & 0xf0]
  if ((code & 0xff07) !== 0x04 || op === undefined) return undefined
  return { kind: 'arithmetic', op, operand: code & 0x08 ? 'x' : k }
}

function decodeJump({ code, jt, jf, k }: ClassicInstruction, place: number): Operation | undefined {
  if (code === 0x05) return { kind: 'jump', to: place + 1 + (k | 0) }
  const condition = BRANCHES[code & 0xf0]
  if ((code & 0xff07) !== 0x05 || condition === undefined) return undefined
  return { kind: 'branch', condition, operand: code & 0x08 ? 'x' : k, yes: place + 1 + jt, no: place + 1 + jf }
}

function unknown({ code, k }: ClassicInstruction, place: number, why: string): never {
  const hex = (value: number) => `0x${value.toString(16)}`
  throw new ClassicError('CLASSIC_UNKNOWN', `Instruction ${place} (code ${hex(code)}, k ${hex(k)}) ${why}`)
}
