/**
 * Compiles a rule set to one XDP program, in process and without a compiler: the packet is read once, each field that rules ask
 * about reduces the set of rules that can still match, and the first of those left acts.
 */
import { Assembler, type Slot } from '../asm/index.ts'
import type { RuleSet } from '../ast.ts'
import { CONNECTIONS_BYTES } from '../connections/index.ts'
import { FIRST_RULE_SLOT } from '../counters.ts'
import type { SetGeometry } from '../sets/index.ts'
import { type AttachPoint, checkRule, programTypeOf } from './attach-point.ts'
import { CaptureLease } from './capture.ts'
import { Clock, type ClockCalibration } from './clock.ts'
import { connectionLengths } from './connections.ts'
import { copiersOf, emitCopiesStage, STAGES } from './copies.ts'
import { COUNTERS } from './count.ts'
import { areThere, HANDOVERS, Handover } from './handover.ts'
import { CELLS_BYTES, CLOCK_SLOTS, CLOCKS } from './limits.ts'
import { TABLES } from './match-context.ts'
import { emitProgram } from './program.ts'
import { SAMPLES } from './sample.ts'
import { SCRATCH, SCRATCH_BUFFERS, SCRATCH_BYTES } from './source/index.ts'
import { TRACE, TRACE_BYTES } from './verdict.ts'

export { ATTACH_POINTS, type AttachPoint } from './attach-point.ts'
export { CaptureLease, CaptureRecord, leaseSymbol, MAX_SNAPLEN, ringSymbol } from './capture.ts'
export type { ClockCalibration } from './clock.ts'
export { connectionLengths, connectionsSymbol } from './connections.ts'
export { CompileError } from './errors.ts'
export { Handover } from './handover.ts'
export { cellsSymbol } from './limits.ts'
export { setSymbol } from './predicates.ts'
export { SAMPLE_BYTES, SampleRecord } from './sample.ts'
export { SCRATCH_BUFFERS } from './source/index.ts'
export { TRACE, TRACE_BYTES, TRACE_RECORDS } from './verdict.ts'
export { Xdp, type XdpVerdict, xdpVerdict } from './xdp.ts'
export { CLOCKS, COUNTERS, SAMPLES, STAGES, TABLES }

export interface CompileEnv {
  readonly sets: ReadonlyMap<string, SetGeometry>
  /** Slot in `counters` of a rule; from {@link FIRST_RULE_SLOT} to 16,383, one for each rule id. */
  readonly counterSlot: (ruleId: string) => number
  readonly clock: ClockCalibration
  /** Random 64 bits that key the hash of limits, so that collisions cannot be aimed at. */
  readonly secret: bigint
  /** Where the program runs; XDP if it is not said. */
  readonly attach?: AttachPoint
  /** Slot of the prog array `stages` to go on with when a packet passes, for XDP. Without it the program ends. */
  readonly next?: number
  /** Packets that go on are copied behind that, by what {@link compileCopies} makes. */
  readonly handsOver?: boolean
  /** Also write each packet's deciding slot and verdict to the map `trace`. */
  readonly trace?: boolean
}

/**
 * A map that the program refers to. All are array maps with one entry, mmap-able, but for `counters`, `scratch` and `handovers` (per CPU: a slot,
 * {@link SCRATCH_BUFFERS} entries and one), `samples`, `ring` and `stages`.
 */
export interface MapNeed {
  readonly symbol: string
  readonly purpose:
    | 'tables'
    | 'counters'
    | 'clocks'
    | 'cells'
    | 'set'
    | 'samples'
    | 'ring'
    | 'lease'
    | 'stages'
    | 'handovers'
    | 'scratch'
    | 'trace'
    | 'connections'
  /** Size of the value, bytes; 0 for stages and, as they are as large as one likes, ring buffers: `samples` and `ring`. */
  readonly bytes: number
}

export interface Compiled {
  /** What the kernel is told that the program is. */
  readonly type: 'xdp' | 'socket_filter'
  /** Contents of the map `tables`. */
  readonly tables: Uint8Array
  readonly maps: readonly MapNeed[]
  /** The program, for the disassembler. */
  readonly slots: readonly Slot[]
  assemble(fdOf: (symbol: string) => number): Uint8Array
}

function mapNeed(symbol: string, tables: Uint8Array, sets: CompileEnv['sets']): MapNeed {
  if (symbol === TABLES) return { symbol, purpose: 'tables', bytes: tables.length }
  if (symbol === COUNTERS) return { symbol, purpose: 'counters', bytes: 16 }
  if (symbol === CLOCKS) return { symbol, purpose: 'clocks', bytes: CLOCK_SLOTS * 8 }
  if (symbol === SAMPLES) return { symbol, purpose: 'samples', bytes: 0 }
  if (symbol === STAGES) return { symbol, purpose: 'stages', bytes: 0 }
  if (symbol === HANDOVERS) return { symbol, purpose: 'handovers', bytes: Handover.size }
  if (symbol === SCRATCH) return { symbol, purpose: 'scratch', bytes: SCRATCH_BYTES }
  if (symbol === TRACE) return { symbol, purpose: 'trace', bytes: TRACE_BYTES }
  if (connectionLengths(symbol)) return { symbol, purpose: 'connections', bytes: CONNECTIONS_BYTES }
  const [purpose, name] = [symbol.slice(0, symbol.indexOf(':')), symbol.slice(symbol.indexOf(':') + 1)]
  if (purpose === 'ring') return { symbol, purpose, bytes: 0 }
  if (purpose === 'lease') return { symbol, purpose, bytes: CaptureLease.size }
  return purpose === 'set'
    ? { symbol, purpose, bytes: sets.get(name)!.bytes }
    : { symbol, purpose: 'cells', bytes: CELLS_BYTES }
}

/**
 * @throws CompileError if the rules are too complex for one program, or name a set that is not in `env.sets`
 */
export function compile(ruleSet: RuleSet, env: CompileEnv): Compiled {
  const asm = new Assembler()
  return finish(asm, compileInto(asm, ruleSet, env), env)
}

/**
 * Compiles the stage that copies packets when the stage of slot `next` has had its say, for rules that were compiled with that; undefined if
 * nobody wants copies.
 *
 * @param answer slot of `stages` with the program that makes an answer of a packet
 */
export function compileCopies(ruleSet: RuleSet, env: Pick<CompileEnv, 'sets'>, answer: number): Compiled | undefined {
  const copiers = copiersOf(ruleSet.rules)
  if (!areThere(copiers)) return undefined
  const asm = new Assembler()
  emitCopiesStage(asm, copiers, answer)
  return finish(asm, new Uint8Array(), env)
}

/** Emit the program at the assembler's place, for programs that call it as a function; returns the tables. */
export function compileInto(asm: Assembler, ruleSet: RuleSet, env: CompileEnv): Uint8Array {
  const attach = env.attach ?? 'xdp'
  for (const rule of ruleSet.rules) checkRule(attach, rule)
  return emitProgram(asm, ruleSet, {
    ...env,
    attach,
    clock: new Clock(env.clock),
    trace: env.trace ?? false,
  })
}

export function finish(asm: Assembler, tables: Uint8Array, env: Pick<CompileEnv, 'sets' | 'attach'>): Compiled {
  return {
    type: programTypeOf(env.attach ?? 'xdp'),
    tables,
    maps: asm.maps.map((symbol) => mapNeed(symbol, tables, env.sets)),
    slots: asm.slots(),
    assemble: (fdOf) => asm.assemble(fdOf),
  }
}
