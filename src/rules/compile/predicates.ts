import { encodeName } from '../../net/dns-name.ts'
import { type Label, r0, r1, r2, r3, r4 } from '../asm/index.ts'
import { DirectAccess, emitClassic } from '../classic/index.ts'
import { emitLookup4, emitLookup6, LOOKUP6_STACK, type SetGeometry } from '../sets/index.ts'
import { emitBytesAt } from './bytes.ts'
import type { DimensionRows } from './classify.ts'
import { dependingRows, truthClasses } from './classify.ts'
import type { Clock } from './clock.ts'
import { emitConnections } from './connections.ts'
import { CompileError } from './errors.ts'
import type { MatchContext } from './match-context.ts'
import { emitPattern } from './name-pattern.ts'
import { QUESTION } from './parse/dns.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import type { Predicate } from './predicate.ts'
import { emitSignature } from './signature-code.ts'
import { FAMILY, loadSlot, SET_LOOKUP } from './stack.ts'

export interface PredicateEnv {
  readonly sets: ReadonlyMap<string, SetGeometry>
  readonly clock: Clock
  readonly secret: bigint
}

export const setSymbol = (name: string): string => `set:${name}`

/** Ask only if a row that is still alive depends on the answer. */
export function emitPredicate(
  ctx: MatchContext,
  key: string,
  predicate: Predicate,
  rows: DimensionRows,
  env: PredicateEnv,
): void {
  const { asm } = ctx
  const [no, yes] = truthClasses(rows)
  const records = ctx.dimension(key, [no, yes, ctx.all])
  const [hit, miss, ask, done] = ['true', 'false', 'ask', 'done'].map((name) => asm.label(name)) as [
    Label,
    Label,
    Label,
    Label,
  ]
  ctx.jumpIfAlive(dependingRows([rows]), ask)
  records.applyConstant(2)
  asm.jump(done)
  asm.bind(ask)
  emitQuestion(ctx, predicate, hit, miss, env)
  asm.bind(miss)
  records.applyConstant(0)
  asm.jump(done)
  asm.bind(hit)
  records.applyConstant(1)
  asm.bind(done)
}

function emitQuestion(ctx: MatchContext, predicate: Predicate, hit: Label, miss: Label, env: PredicateEnv): void {
  const { asm } = ctx
  switch (predicate.kind) {
    case 'set':
      return emitSet(ctx, predicate.field, predicate.name, hit, miss, env)
    case 'before':
      env.clock.emitJiffies(asm)
      asm.constant(r1, env.clock.jiffiesAt(predicate.until))
      asm.jumpIf(r0, '<', r1, hit)
      asm.jump(miss)
      return
    case 'question':
      loadSlot(asm, r1, ctx.stack.slot(QUESTION))
      asm.jumpIf(r1, '!=', 0, hit)
      asm.jump(miss)
      return
    case 'name':
      return emitName(ctx, predicate.name, hit, miss)
    case 'bytes':
      emitPayloadPointer(ctx, predicate.field, predicate.offset + predicate.bytes.length, miss)
      emitBytesAt(asm, r1, predicate.offset, predicate.bytes, predicate.equal ? miss : hit)
      asm.jump(predicate.equal ? hit : miss)
      return
    case 'contains':
      return emitContains(ctx, predicate, hit, miss)
    case 'pattern':
      return emitPattern(ctx, predicate.pattern, hit, miss)
    case 'signature':
      return emitSignature(ctx, predicate.signature, predicate.parts, hit, miss)
    case 'connections':
      return emitConnections(ctx, predicate, env.secret, hit, miss)
    case 'pcap': {
      const cell = (number: number) => ctx.stack.slot(`pcap cell ${number}`)
      return emitClassic(asm, predicate.program, { access: new DirectAccess(ctx.source), cell, hit, miss })
    }
  }
}

function emitSet(
  ctx: MatchContext,
  field: 'ip.src' | 'ip.dst',
  name: string,
  hit: Label,
  miss: Label,
  env: PredicateEnv,
): void {
  const { asm } = ctx
  const geometry = env.sets.get(name)
  if (!geometry) throw new CompileError('unknown_set', `Cannot compile: set "$${name}" is not defined`)
  const six = asm.label('IPv6')
  loadSlot(asm, r1, ctx.stack.slot(FAMILY))
  asm.jumpIf(r1, '==', 6, six)
  asm.jumpIf(r1, '!=', 4, miss)
  loadSlot(asm, r1, ctx.stack.slot(field))
  emitLookup4(asm, setSymbol(name), geometry, hit, miss)
  asm.bind(six)
  loadSlot(asm, r1, ctx.stack.slot(field))
  loadSlot(asm, r2, ctx.stack.slot(`${field}.low`))
  emitLookup6(asm, setSymbol(name), geometry, hit, miss, ctx.stack.area(SET_LOOKUP, LOOKUP6_STACK / 8))
}

function emitContains(ctx: MatchContext, p: Extract<Predicate, { kind: 'contains' }>, hit: Label, miss: Label): void {
  const { asm } = ctx
  const [top, next] = [asm.label('position'), asm.label('next position')]
  emitPayloadPointer(ctx, p.field, p.offset + p.bytes.length, miss)
  const last = p.offset + p.length - p.bytes.length
  asm.alu('add', r1, p.offset)
  asm.mov(r4, p.offset + p.bytes.length)
  asm.bind(top)
  asm.jumpIf(r4, '>', r2, miss)
  asm.jumpIf(r4, '>', last + p.bytes.length, miss)
  asm.mov(r0, r1)
  asm.alu('add', r0, p.bytes.length)
  asm.jumpIf(r0, '>', r3, miss)
  emitBytesAt(asm, r1, 0, p.bytes, next)
  asm.jump(hit)
  asm.bind(next)
  asm.alu('add', r1, 1)
  asm.alu('add', r4, 1)
  asm.jump(top)
}

const DNS_HEADER = 12

function emitName(ctx: MatchContext, name: string, hit: Label, miss: Label): void {
  const { asm } = ctx
  const wire = encodeName(name)
  loadSlot(asm, r1, ctx.stack.slot(QUESTION))
  asm.jumpIf(r1, '==', 0, miss)
  emitPayloadPointer(ctx, 'udp.payload', DNS_HEADER + wire.length, miss)
  emitBytesAt(asm, r1, DNS_HEADER, wire, miss, true)
  asm.jump(hit)
}
