/** Random programs of the classic BPF machine that the kernel takes. */
import type { ClassicInstruction } from '../../src/bpf/pcap-filter.ts'
import { CELLS } from '../../src/rules/classic/operation.ts'
import { pool } from './pool.ts'
import type { Random } from './random.ts'

/** linux/bpf_common.h. */
const LOADS = [0x20, 0x28, 0x30] as const
const INDIRECT_LOADS = [0x40, 0x48, 0x50] as const
const HEADER_LENGTH = 0xb1
const CONSTANT = [0x00, 0x01] as const
const LENGTH = [0x80, 0x81] as const
const RECALL = [0x60, 0x61] as const
const STORE = [0x02, 0x03] as const
const ARITHMETIC = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x90, 0xa0] as const
const DIVISIONS: readonly number[] = [0x30, 0x90]
const SHIFTS = [0x60, 0x70] as const
const NEGATE = 0x84
const COPY = [0x07, 0x87] as const
const JUMP = 0x05
const CONDITIONS = [0x10, 0x20, 0x30, 0x40] as const
const [RETURN, RETURN_A] = [0x06, 0x16] as const
const BY_X = 0x08

/** A program of 1 to about 60 instructions. Cells of memory that it may read are all written at its beginning. */
export function randomClassic(random: Random): ClassicInstruction[] {
  const cells = random.weighted([50, 0], [50, random.int(1, CELLS)])
  const prologue = Array.from({ length: cells }, (_, k) => plain(random.pick(STORE), k))
  const count = random.int(0, 60)
  const body = Array.from({ length: count }, (_, index) => instruction(random, cells, count - index))
  const program = [...prologue, ...body, ...ending(random)]
  return program
}

/** Several ends to jump to, 5 of them, so that short jumps always land. */
const ending = (random: Random): ClassicInstruction[] => [
  ...Array.from({ length: 4 }, () =>
    random.chance(0.2) ? plain(RETURN_A) : plain(RETURN, random.pick([0, 0, 1, 0xffffffff])),
  ),
  plain(RETURN, random.pick([0, 1])),
]

const plain = (code: number, k = 0): ClassicInstruction => ({ code, jt: 0, jf: 0, k })

/** One instruction that may jump over at most `left` others and into the ending. */
function instruction(random: Random, cells: number, left: number): ClassicInstruction {
  const offset = () =>
    random.weighted([80, random.int(0, 60)], [15, random.int(0, 200)], [5, random.pick(pool.longs) & 0x7fffffff])
  const constant = () =>
    random.weighted([50, random.pick(pool.bytes)], [25, random.pick(pool.words)], [25, random.pick(pool.longs)])
  return random.weighted<() => ClassicInstruction>(
    [22, () => plain(random.pick(LOADS), offset())],
    [10, () => plain(random.pick(INDIRECT_LOADS), random.chance(0.9) ? offset() : constant())],
    [6, () => plain(HEADER_LENGTH, offset())],
    [4, () => plain(random.pick(CONSTANT), constant())],
    [3, () => plain(random.pick(LENGTH))],
    [cells > 0 ? 8 : 0, () => plain(random.pick(RECALL), random.int(0, cells - 1))],
    [cells > 0 ? 8 : 0, () => plain(random.pick(STORE), random.int(0, cells - 1))],
    [14, () => arithmetic(random, constant())],
    [5, () => shift(random)],
    [2, () => plain(NEGATE)],
    [8, () => plain(random.pick(COPY))],
    [2, () => plain(JUMP, random.int(0, left + 3))],
    [22, () => branch(random, left, constant())],
    [2, () => plain(RETURN, random.pick([0, 1]))],
  )()
}

function arithmetic(random: Random, constant: number): ClassicInstruction {
  const op = random.pick(ARITHMETIC)
  if (random.chance(0.4)) return plain(0x04 | op | BY_X)
  return plain(0x04 | op, constant === 0 && DIVISIONS.includes(op) ? 3 : constant)
}

const shift = (random: Random): ClassicInstruction =>
  random.chance(0.4) ? plain(0x04 | random.pick(SHIFTS) | BY_X) : plain(0x04 | random.pick(SHIFTS), random.int(0, 31))

function branch(random: Random, left: number, constant: number): ClassicInstruction {
  const by = random.chance(0.3) ? BY_X : 0
  const distance = () => Math.min(255, random.weighted([70, random.int(0, 3)], [30, random.int(0, left + 3)]))
  return { code: 0x05 | random.pick(CONDITIONS) | by, jt: distance(), jf: distance(), k: by ? 0 : constant }
}
