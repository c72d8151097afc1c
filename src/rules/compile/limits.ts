import { type Assembler, type Label, type Register, r0, r1, r2, r3, r4, r5, r9 } from '../asm/index.ts'
import type { Action, LimitKey, LimitPort } from '../ast.ts'
import type { Clock, TimeSource } from './clock.ts'
import { FAMILY, forget, loadSlot, type Stack } from './stack.ts'

export type Limit = Extract<Action, { kind: 'limit' }>

/** Map with one clock a counter slot, for limits of whole rules. */
export const CLOCKS = 'clocks'
export const CLOCK_SLOTS = 16_384

/** Clocks of whole rules count sixteenths of a nanosecond. */
const RULE_FRACTION = 4
/** Cells of keys count 16 nanoseconds, in 48 bits. */
const KEY_FRACTION = -4
const KEY_TIME_BITS = 48
/** Attempts to win the exchange against other CPUs. A packet that loses them all counts as over: it leaves its share to the next. */
const ATTEMPTS = 6
/** A clock further ahead than its limit allows by this much is from another life and starts anew, nanoseconds. */
const SLACK = 1e9

/** Cells in each of the two rows of a keyed limit; a power of two. */
export const CELLS_PER_ROW = 65_536
const ROW_BYTES = CELLS_PER_ROW * 8
export const CELLS_BYTES = 2 * ROW_BYTES
/** Offset of a cell in its row. */
const ROW_MASK = ROW_BYTES - 8

export const cellsSymbol = (ruleId: string): string => `cells:${ruleId}`

const units = (limit: Limit, fraction: number): { increment: bigint; tolerance: bigint } => {
  const interval = (1e9 / limit.rate) * 2 ** fraction
  return {
    increment: BigInt(Math.max(1, Math.round(interval))),
    tolerance: BigInt(Math.round(interval * (limit.burst - 1))),
  }
}

/** Increment (the time one packet costs) and tolerance (how far a clock may be ahead) of a limit, in its clock's units. */
export const limitUnits = (limit: Limit) => units(limit, limit.per.kind === 'rule' ? RULE_FRACTION : KEY_FRACTION)

/** Jiffies are fine enough if the burst covers at least two of them. */
export const timeSource = (limit: Limit, clock: Clock): TimeSource =>
  ((limit.burst - 1) / limit.rate) * 1e9 >= 2 * clock.tick ? 'jiffies' : 'nanoseconds'

/**
 * The generic cell rate algorithm (ITU-T I.371) in one word moved by compare-and-exchange: the clock says when the next packet
 * would conform at exactly the rate. Goes to `over` or `under`; clobbers r0 to r5.
 */
export function emitRuleLimit(
  asm: Assembler,
  clock: Clock,
  limit: Limit,
  slot: number,
  over: Label,
  under: Label,
): void {
  const [retry, ahead, idle, charge] = ['retry', 'ahead', 'idle', 'charge'].map((name) => asm.label(name)) as Label[]
  const { increment, tolerance } = limitUnits(limit)
  clock.emitNow(asm, timeSource(limit, clock), RULE_FRACTION)
  asm.mov(r2, r0)
  asm.loadMapValue(r1, CLOCKS, (slot % CLOCK_SLOTS) * 8)
  asm.mov(r5, ATTEMPTS)
  asm.bind(retry!)
  asm.load('u64', r0, r1, 0)
  asm.mov(r3, r0)
  asm.alu('sub', r3, r2)
  asm.jumpIf(r3, 's<=', 0, idle!)
  asm.constant(r4, tolerance)
  asm.jumpIf(r3, '>', r4, ahead!)
  asm.bind(charge!)
  asm.constant(r4, increment)
  asm.alu('add', r3, r4)
  asm.alu('add', r3, r2)
  asm.mov(r4, r0)
  asm.atomic('compareExchange', 'u64', r1, 0, r3)
  asm.jumpIf(r0, '==', r4, under)
  asm.alu('sub', r5, 1)
  asm.jumpIf(r5, '!=', 0, retry!)
  asm.jump(over)
  asm.bind(ahead!)
  asm.constant(r4, staleAfter(limit))
  asm.jumpIf(r3, '<=', r4, over)
  asm.bind(idle!)
  asm.mov(r3, 0)
  asm.jump(charge!)
}

/** How far ahead a clock of this limit can never be. */
export function staleAfter(limit: Limit): bigint {
  const { increment, tolerance } = limitUnits(limit)
  return increment + tolerance + BigInt(SLACK * 2 ** (limit.per.kind === 'rule' ? RULE_FRACTION : KEY_FRACTION))
}

/** Odd multipliers of a 64-bit mix (splitmix64, Steele et al. 2014). */
const MIX = [0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn]

/** r1 = (r1 + r2) mixed. Uses r3. */
export function emitMix(asm: Assembler): void {
  asm.alu('add', r1, r2)
  MIX.forEach((multiplier, i) => {
    asm.mov(r3, r1)
    asm.alu('rsh', r3, i === 0 ? 30 : 27)
    asm.alu('xor', r1, r3)
    asm.constant(r3, multiplier)
    asm.alu('mul', r1, r3)
  })
  asm.mov(r3, r1)
  asm.alu('rsh', r3, 31)
  asm.alu('xor', r1, r3)
}

const mask64 = (bits: number): bigint => (bits <= 0 ? 0n : BigInt.asUintN(64, -1n << BigInt(64 - Math.min(bits, 64))))

type AddressKey = Extract<LimitKey, { kind: 'address' }>

/** The port, if nothing else is counted apart: there are cells enough for each of its values. */
const onlyPort = ({ parts, ports = [] }: AddressKey): LimitPort | undefined =>
  parts.length === 0 && ports.length === 1 ? ports[0] : undefined

/** r1 = hash of what the limit counts apart; packets without the fields are all one key. Uses r2 to r4. */
function emitKeyHash(asm: Assembler, stack: Stack, key: AddressKey, secret: bigint): void {
  asm.constant(r1, secret)
  if (key.parts.length > 0) emitAddressHash(asm, stack, key)
  for (const port of key.ports ?? []) {
    loadSlot(asm, r2, stack.slot(port))
    emitMix(asm)
  }
}

function emitAddressHash(asm: Assembler, stack: Stack, key: AddressKey): void {
  const [six, done] = [asm.label('IPv6 key'), asm.label('hashed')]
  loadSlot(asm, r4, stack.slot(FAMILY))
  asm.jumpIf(r4, '==', 6, six)
  asm.jumpIf(r4, '!=', 4, done)
  for (const { field, bits4 } of key.parts) {
    loadSlot(asm, r2, stack.slot(field))
    asm.constant(r3, BigInt.asUintN(32, -1n << BigInt(32 - bits4)))
    asm.alu('and', r2, r3)
    emitMix(asm)
  }
  asm.jump(done)
  asm.bind(six)
  for (const { field, bits6 } of key.parts) {
    for (const [slot, bits] of [
      [field, bits6],
      [`${field}.low`, bits6 - 64],
    ] as const) {
      if (bits <= 0) continue
      loadSlot(asm, r2, stack.slot(slot))
      if (bits < 64) {
        asm.constant(r3, mask64(bits))
        asm.alu('and', r2, r3)
      }
      emitMix(asm)
    }
  }
  asm.bind(done)
}

export interface KeyedLimit {
  readonly ruleId: string
  readonly limit: Limit
  readonly secret: bigint
}

/** Writes the limit of one rule whose keys are counted apart. */
class KeyedLimitWriter {
  readonly #asm: Assembler
  readonly #stack: Stack
  readonly #clock: Clock
  readonly #keyed: KeyedLimit
  readonly #now: number

  constructor(asm: Assembler, stack: Stack, clock: Clock, keyed: KeyedLimit) {
    this.#asm = asm
    this.#stack = stack
    this.#clock = clock
    this.#keyed = keyed
    this.#now = stack.slot('limit now')
  }

  emit(over: Label, under: Label): void {
    const asm = this.#asm
    const { limit, secret } = this.#keyed
    this.#clock.emitNow(asm, timeSource(limit, this.#clock), KEY_FRACTION)
    asm.storeStack('u64', this.#now, r0)
    const key = limit.per as AddressKey
    const port = onlyPort(key)
    if (port !== undefined) this.#emitPortCell(port)
    else this.#emitHashedCell(key, secret, under)
    forget(asm, this.#stack, r9, r0)
    asm.alu('and', r9, ROW_MASK | ROW_BYTES)
    this.#emitPointer(r9)
    asm.mov(r9, r1)
    this.#emitExchange(over, under)
  }

  /** r9 = offset of the cell of a port, each of which has its own; all have the tag 0 in r5. */
  #emitPortCell(port: LimitPort): void {
    const asm = this.#asm
    loadSlot(asm, r9, this.#stack.slot(port))
    asm.alu('lsh', r9, 3)
    asm.mov(r5, 0)
  }

  /** r9 = offset of the cell for a key, r5 = its tag. */
  #emitHashedCell(key: AddressKey, secret: bigint, under: Label): void {
    const asm = this.#asm
    emitKeyHash(asm, this.#stack, key, secret)
    forget(asm, this.#stack, r1, r2)
    asm.mov(r5, r1)
    asm.alu('rsh', r5, 64 - 16)
    asm.mov(r9, r1)
    asm.alu('lsh', r9, 3)
    asm.alu('and', r9, ROW_MASK)
    asm.mov(r4, r1)
    asm.alu('rsh', r4, 16 - 3)
    asm.alu('and', r4, ROW_MASK)
    asm.alu('or', r4, ROW_BYTES)
    this.#emitChoice(under)
  }

  /** r1 = the cell at a byte offset. */
  #emitPointer(offset: Register): void {
    this.#asm.loadMapValue(r1, cellsSymbol(this.#keyed.ruleId))
    this.#asm.alu('add', r1, offset)
  }

  /** r3 = clock in the cell value r0, less now: how far it is ahead. Uses r2. */
  #emitAhead(): void {
    const asm = this.#asm
    asm.mov(r3, r0)
    asm.loadStack('u64', r2, this.#now)
    asm.alu('sub', r3, r2)
    asm.alu('lsh', r3, 64 - KEY_TIME_BITS)
    asm.alu('arsh', r3, 64 - KEY_TIME_BITS)
  }

  /** To `idle` if the clock is not ahead (r3 ≤ 0), or further than the limit can have put it. Uses r2. */
  #emitIdleTest(idle: Label): void {
    this.#asm.jumpIf(r3, 's<=', 0, idle)
    this.#asm.constant(r2, staleAfter(this.#keyed.limit))
    this.#asm.jumpIf(r3, '>', r2, idle)
  }

  /** r9 = offset of the cell to use, of those in r9 and r4, for the tag in r5. Uses r0 to r3. */
  #emitChoice(under: Label): void {
    const asm = this.#asm
    const [chosen, other] = [asm.label('cell chosen'), asm.label('other cell')]
    for (const [cell, mine] of [
      [r9, chosen],
      [r4, other],
    ] as const) {
      this.#emitPointer(cell)
      asm.load('u64', r0, r1, 0)
      asm.alu('rsh', r0, KEY_TIME_BITS)
      asm.jumpIf(r0, '==', r5, mine)
    }
    for (const [cell, idle] of [
      [r9, chosen],
      [r4, other],
    ] as const) {
      this.#emitPointer(cell)
      asm.load('u64', r0, r1, 0)
      this.#emitAhead()
      this.#emitIdleTest(idle)
    }
    asm.jump(under)
    asm.bind(other)
    asm.mov(r9, r4)
    asm.bind(chosen)
  }

  /** Charge the packet to the cell at r9 for the tag in r5. A cell that another key took meanwhile admits it. */
  #emitExchange(over: Label, under: Label): void {
    const asm = this.#asm
    const { increment, tolerance } = limitUnits(this.#keyed.limit)
    const [retry, idle, charge] = ['retry', 'idle cell', 'charge'].map((name) => asm.label(name)) as Label[]
    asm.mov(r4, ATTEMPTS)
    asm.bind(retry!)
    asm.load('u64', r0, r9, 0)
    this.#emitAhead()
    this.#emitIdleTest(idle!)
    asm.mov(r1, r0)
    asm.alu('rsh', r1, KEY_TIME_BITS)
    asm.jumpIf(r1, '!=', r5, under)
    asm.constant(r2, tolerance)
    asm.jumpIf(r3, 's>', r2, over)
    asm.jump(charge!)
    asm.bind(idle!)
    asm.mov(r3, 0)
    asm.bind(charge!)
    asm.constant(r2, increment)
    asm.alu('add', r3, r2)
    asm.loadStack('u64', r2, this.#now)
    asm.alu('add', r3, r2)
    asm.alu('lsh', r3, 64 - KEY_TIME_BITS)
    asm.alu('rsh', r3, 64 - KEY_TIME_BITS)
    asm.mov(r1, r5)
    asm.alu('lsh', r1, KEY_TIME_BITS)
    asm.alu('or', r3, r1)
    asm.mov(r1, r0)
    asm.atomic('compareExchange', 'u64', r9, 0, r3)
    asm.jumpIf(r0, '==', r1, under)
    asm.alu('sub', r4, 1)
    asm.jumpIf(r4, '!=', 0, retry!)
    asm.jump(over)
  }
}

/**
 * Limit of each key apart. A cell holds 16 bits of the key's hash and 48 bits of clock. A key owns a cell while its clock is
 * ahead of now; it looks in one cell of either row, takes an idle one, and is admitted uncounted if other keys hold both.
 * So no key is limited by another unless both share a cell's index and its 16 bits. A key that is just a port has a cell of its own. Clobbers r0 to r5 and r9.
 */
export function emitKeyedLimit(
  asm: Assembler,
  stack: Stack,
  clock: Clock,
  keyed: KeyedLimit,
  over: Label,
  under: Label,
): void {
  new KeyedLimitWriter(asm, stack, clock, keyed).emit(over, under)
}
