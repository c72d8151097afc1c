import { type Assembler, type Label, r0, r1, r2, r3 } from '../asm/index.ts'
import type { MalformedPolicy, RuleSet } from '../ast.ts'
import { malformedSlot, PASSED_BY_DEFAULT } from '../counters.ts'
import { Actions } from './actions.ts'
import { Arena } from './arena.ts'
import type { AttachPoint } from './attach-point.ts'
import type { PlacedCapture } from './capture.ts'
import { type DimensionRows, dependingRows, emitDimension } from './classify.ts'
import type { Clock } from './clock.ts'
import type { Dimension } from './constraint.ts'
import { copiersOf } from './copies.ts'
import { MatchContext } from './match-context.ts'
import { needsOf } from './needs.ts'
import { orderDimensions } from './order.ts'
import { ParseContext } from './parse/context.ts'
import { emitEthernet } from './parse/ethernet.ts'
import { emitIpv4 } from './parse/ipv4.ts'
import { emitIpv6 } from './parse/ipv6.ts'
import { UpperLayers } from './parse/upper.ts'
import { type Placement, placeRules, rowsOfDimension } from './place.ts'
import { emitPredicate, type PredicateEnv } from './predicates.ts'
import { packetSource } from './source/index.ts'
import { payloadReach } from './source/reach.ts'
import { CAPTURED_BY, FACTS, FRAME_LENGTH, forget, SAMPLED_BY, Stack, unlink } from './stack.ts'
import { Verdict, type VerdictOptions } from './verdict.ts'

export interface ProgramOptions extends PredicateEnv, Omit<VerdictOptions, 'copiers'> {
  readonly attach: AttachPoint
  readonly clock: Clock
  readonly counterSlot: (ruleId: string) => number
  readonly secret: bigint
}

/** Emits the whole program: read the packet, find its row, act, count. Returns the tables it reads. */
export function emitProgram(asm: Assembler, ruleSet: RuleSet, options: ProgramOptions): Uint8Array {
  const stack = new Stack()
  const arena = new Arena()
  const placement = placeRules(ruleSet, options.counterSlot)
  const needs = needsOf(ruleSet, placement.dimensions)
  const copiers = copiersOf(ruleSet.rules)
  const { samples, captures } = copiers
  const source = packetSource(options.attach, asm, stack, payloadReach(placement.dimensions, samples))
  const verdict = new Verdict(asm, stack, source, { ...options, copiers })
  const parse = new ParseContext(asm, stack, source, needs.slots, needs.facts)

  const copied = [...(samples ? [SAMPLED_BY] : []), ...(captures.length > 0 ? [CAPTURED_BY] : [])]
  emitPrologue(parse, needs.slots, copied)
  const upper = new UpperLayers(parse)
  emitEthernet(
    parse,
    () => emitIpv4(parse, () => upper.choose(['tcp', 'udp', 'icmp'])),
    () => emitIpv6(parse, () => upper.choose(['tcp', 'udp', 'icmpv6'])),
  )
  upper.emit()
  emitMalformed(parse, ruleSet.malformed, verdict)

  asm.bind(parse.parsed)
  if (needs.facts.length > 0) {
    forget(asm, stack, r3, r1)
    asm.storeStack('u64', stack.slot(FACTS), r3)
  }
  const match = new MatchContext(asm, stack, arena, source, placement, needs.facts)
  emitMatch(match, placement, { ...options, captures }, verdict)
  asm.bind(match.none)
  asm.mov(r1, PASSED_BY_DEFAULT)
  asm.jump(verdict.pass)
  verdict.emit()
  return arena.bytes()
}

/** r6 = context, r7 = frame, r8 = its end, r9 = cursor; every slot says "absent", and those that tell who wants a copy say nobody. */
function emitPrologue(
  { asm, stack, source }: ParseContext,
  slots: ReadonlyMap<string, number>,
  copied: readonly string[],
): void {
  source.emitBegin()
  asm.storeStack('u64', stack.slot(FRAME_LENGTH), r0)
  emitAbsent(asm, stack, new Map([...slots, ...copied.map((slot): [string, number] => [slot, 0])]))
  if (slots.has('frame.len')) emitFrameLength(asm, stack)
  asm.mov(r2, 0)
  asm.mov(r3, 0)
}

/** Store each slot's value for a packet that lacks the field; r0 = frame length and stays so. */
function emitAbsent(asm: Assembler, stack: Stack, slots: ReadonlyMap<string, number>): void {
  for (const absent of new Set(slots.values())) {
    asm.mov(r1, absent)
    asm.alu('add', r1, r0)
    asm.alu('sub', r1, r0)
    for (const [name, value] of slots) {
      if (value !== absent || name === 'frame.len') continue
      asm.storeStack('u64', stack.slot(name), r1)
      unlink(asm, r1)
    }
  }
}

function emitFrameLength(asm: Assembler, stack: Stack): void {
  const fits = asm.label('frame length fits')
  asm.mov(r1, r0)
  unlink(asm, r1)
  asm.jumpIf(r1, '<=', 0xffff, fits)
  asm.mov(r1, 0xffff)
  asm.bind(fits)
  asm.storeStack('u64', stack.slot('frame.len'), r1)
}

function emitMalformed({ asm, malformed }: ParseContext, policy: MalformedPolicy, verdict: Verdict): void {
  for (const [reason, label] of malformed) {
    asm.bind(label)
    asm.mov(r1, malformedSlot[reason])
    asm.jump(policy === 'drop' ? verdict.drop : verdict.pass)
  }
}

type Plain = Exclude<Dimension, { kind: 'predicate' }>
const isPlain = (dimension: Dimension): dimension is Plain => dimension.kind !== 'predicate'

interface Asked {
  readonly dimension: Dimension
  readonly rows: DimensionRows
}

interface MatchOptions extends ProgramOptions {
  readonly captures: readonly PlacedCapture[]
}

function emitMatch(match: MatchContext, placement: Placement, options: MatchOptions, verdict: Verdict): void {
  if (placement.rules.length === 0) return
  const { asm } = match
  const asked = asm.label('all asked')
  match.begin()
  const order = orderDimensions(placement).map((question) => ({
    ...question,
    rows: rowsOfDimension(placement, question.dimension.key),
  }))
  order.forEach(({ dimension, mayEnd, rows }, i) => {
    if (isPlain(dimension)) emitDimension(match, dimension, rows)
    else emitPredicate(match, dimension.key, dimension.predicate, rows, options)
    if (!mayEnd) return
    if (i + 1 < order.length) emitShortcut(match, order.slice(i + 1), asked)
    else if (match.words > 1) match.leaveIfNone()
  })
  asm.bind(asked)
  const { clock, secret, captures } = options
  new Actions(match, placement.rules, { clock, secret, captures, verdict }).emit()
}

/** Leave if no row is alive; to `asked` if none of them depends on any of the dimensions left. */
function emitShortcut(match: MatchContext, left: readonly Asked[], asked: Label): void {
  const more = match.asm.label('more to ask')
  match.leaveOrJump(dependingRows(left.map(({ rows }) => rows)), more)
  for (const { dimension } of left) match.skip(dimension.key)
  match.asm.jump(asked)
  match.asm.bind(more)
}
