/** Random rules that are valid, and that often match: most values are taken from packets of the same case. */
import { type Address, addressBits, parseAddress } from '../../src/net/address.ts'
import { type Dissection, dissect } from '../../src/net/dissect.ts'
import { parseMac } from '../../src/net/mac.ts'
import { type Prefix, prefixOf } from '../../src/net/prefix.ts'
import type { Action, Comparison, Expr, FieldRef, Item, LimitKey, Rule, Value } from '../../src/rules/ast.ts'
import { LIMIT_PORTS, MAX_WINDOW } from '../../src/rules/ast.ts'
import { pcap } from '../../src/rules/classic/pcap.ts'
import { RuleError } from '../../src/rules/errors.ts'
import { readFact } from '../../src/rules/facts.ts'
import { type FieldName, fields } from '../../src/rules/fields.ts'
import { canonical, compare, fieldRef } from '../../src/rules/make.ts'
import { defaultBits6 } from '../../src/rules/rule-defaults.ts'
import { readSyn, type Syn } from '../../src/rules/signatures/syn.ts'
import { canonicalName } from '../../src/rules/values.ts'
import { randomPcap } from './pcap.ts'
import { pool } from './pool.ts'
import type { Random } from './random.ts'
import { randomPattern, randomSignature } from './signature.ts'

export const fieldNames = Object.keys(fields) as FieldName[]

/** Names that random rules use for sets. */
export const setNames = ['alpha', 'beta', 'big', 'none'] as const

const orders: readonly Comparison[] = ['==', '!=', '<', '<=', '>', '>=']

/** Fields that every case may ask about; of the others a share, as a program has room for 64 at most. */
const alwaysIn: ReadonlySet<FieldName> = new Set(['ip', 'ip.src', 'udp.dstport', 'frame.len'])

/** Makes rules out of the facts of some packets. */
export class RuleMaker {
  readonly #random: Random
  readonly #packets: readonly Dissection[]
  readonly #present = new Map<Dissection, readonly FieldName[]>()

  readonly #names: readonly FieldName[]
  readonly #syns: readonly Syn[]
  /** Whether the case has p0f signatures, which take much of a program's room. */
  readonly #signatures: boolean

  constructor(random: Random, packets: readonly Uint8Array[]) {
    this.#random = random
    const share = random.pick([0.1, 0.2, 0.35, 0.5])
    this.#names = fieldNames.filter((name) => alwaysIn.has(name) || random.chance(share))
    this.#packets = packets.map(dissect).filter((packet) => packet.malformed === null)
    this.#signatures = random.chance(0.4)
    this.#syns = this.#packets.flatMap((packet) => readSyn(packet) ?? [])
  }

  /** Any expression, in canonical form. */
  expr(depth = 3): Expr {
    return canonical(this.#expr(depth))
  }

  #expr(depth: number): Expr {
    const random = this.#random
    if (depth === 0) return this.#test()
    return random.weighted<() => Expr>(
      [30, () => this.#test()],
      [25, () => ({ kind: 'and', terms: random.list(2, 4, () => this.#expr(depth - 1)) })],
      [20, () => ({ kind: 'or', terms: random.list(2, 4, () => this.#expr(depth - 1)) })],
      [12, () => ({ kind: 'not', term: this.#expr(depth - 1) })],
      [25, () => this.#anchored()],
      [this.#signatures ? 8 : 0, () => this.#signatureTest()],
      [6, () => this.#pcapTest()],
      [1, () => ({ kind: 'literal', value: random.chance(0.5) })],
    )()
  }

  /** A conjunction of tests about one packet, which it passes unless a test is the odd one out. */
  #anchored(): Expr {
    const packet = this.#packet()
    const names = packet ? this.#presentIn(packet) : this.#names
    const terms = this.#random.list(1, 5, () => this.#test(this.#random.pick(names), packet))
    return { kind: 'and', terms }
  }

  #presentIn(packet: Dissection): readonly FieldName[] {
    const known = this.#present.get(packet) ?? this.#names.filter((name) => isPresent(packet, name))
    this.#present.set(packet, known)
    return known
  }

  #signatureTest(): Expr {
    const syn = this.#syns.length > 0 && this.#random.chance(0.9) ? this.#random.pick(this.#syns) : undefined
    return { kind: 'p0f', signature: randomSignature(this.#random, syn) }
  }

  #pcapTest(): Expr {
    for (;;) {
      try {
        return pcap(randomPcap(this.#random, this.#random.int(0, 1))).expr
      } catch (error) {
        if (!(error instanceof RuleError)) throw error
      }
    }
  }

  /** Many rules that compare the same fields in the same way with different values. */
  family(count: number): Expr[] {
    const random = this.#random
    const shape = random.list(1, 3, () => random.pick(familyFields))
    return Array.from({ length: count }, () => {
      const packet = this.#packet()
      const terms = shape.map((name) => compare(fieldRef(name), '==', this.#value(fieldRef(name), packet)))
      return canonical({ kind: 'and', terms })
    })
  }

  #packet(): Dissection | undefined {
    return this.#packets.length > 0 ? this.#random.pick(this.#packets) : undefined
  }

  #test(name: FieldName = this.#random.pick(this.#names), packet = this.#packet()): Expr {
    const random = this.#random
    switch (fields[name].type.kind) {
      case 'bool':
        return { kind: 'flag', field: name }
      case 'number':
        return this.#numberTest(fieldRef(name), packet)
      case 'name':
        if (random.chance(0.4)) {
          return { kind: 'matches', field: fieldRef(name), pattern: randomPattern(random, this.#name(packet)) }
        }
        return this.#valueTest(name, packet)
      case 'address':
      case 'mac':
        return this.#valueTest(name, packet)
      case 'bytes':
        return this.#payloadTest(name, packet)
    }
  }

  #valueTest(name: FieldName, packet: Dissection | undefined): Expr {
    const random = this.#random
    return random.chance(0.5)
      ? compare(fieldRef(name), random.pick(['==', '!=']), this.#value(fieldRef(name), packet))
      : { kind: 'in', field: fieldRef(name), items: this.#items(fieldRef(name), packet) }
  }

  #numberTest(field: FieldRef, packet: Dissection | undefined): Expr {
    const random = this.#random
    return random.weighted<() => Expr>(
      [40, () => compare(field, random.chance(0.6) ? '==' : random.pick(orders), this.#value(field, packet))],
      [35, () => ({ kind: 'in', field, items: this.#items(field, packet) })],
      [20, () => this.#masked(field, packet)],
    )()
  }

  #masked(field: FieldRef, packet: Dissection | undefined): Expr {
    const random = this.#random
    const op = random.chance(0.6) ? '==' : random.pick(orders)
    const max = maxOf(field)
    const mask = Math.max(1, (random.pick([0xff, 0x12, 0xf0, 0xffff, 0xff00, 1, 0xffffffff]) & max) >>> 0)
    const value = (this.#number(field, packet) & (op === '==' || op === '!=' ? mask : max)) >>> 0
    return compare(field, op, { kind: 'number', value }, mask)
  }

  #payloadTest(name: FieldName, packet: Dissection | undefined): Expr {
    const random = this.#random
    const payload = packet ? readFact(packet, name) : undefined
    const room = payload instanceof Uint8Array ? payload.length : 8
    const offset = random.weighted([60, 0], [40, random.int(0, Math.min(room, 1400))])
    if (random.chance(0.35)) return this.#contains(name, offset, payload)
    if (random.chance(0.5)) return this.#numberTest(fieldRef(name, { offset, length: random.int(1, 4) }), packet)
    const slice = { offset, length: random.pick([1, 2, 3, 4, 5, 7, 8, 12, 16, 33, 64]) }
    const value = (): Value => ({ kind: 'bytes', bytes: this.#cut(payload, slice) })
    if (random.chance(0.7)) return compare(fieldRef(name, slice), random.pick(['==', '!=']), value())
    return { kind: 'in', field: fieldRef(name, slice), items: random.list(1, 4, value) }
  }

  #contains(name: FieldName, offset: number, payload: unknown): Expr {
    const random = this.#random
    const window = { offset, length: random.pick([1, 4, 16, 32, 100, MAX_WINDOW, MAX_WINDOW]) }
    const length = random.int(1, Math.min(window.length, 32))
    const bytes = random.chance(0.7)
      ? this.#cut(payload, { offset: offset + random.int(0, 12), length })
      : Uint8Array.from(random.pick(pool.texts), (char) => char.charCodeAt(0)).slice(0, length)
    return { kind: 'contains', field: fieldRef(name, window), bytes }
  }

  /** Bytes of a payload, filled up with zeros; sometimes one of them is off. */
  #cut(payload: unknown, { offset, length }: { offset: number; length: number }): Uint8Array {
    const bytes = new Uint8Array(length)
    if (payload instanceof Uint8Array) bytes.set(payload.subarray(offset, offset + length))
    if (this.#random.chance(0.15)) bytes[this.#random.int(0, length - 1)] = this.#random.int(0, 255)
    return bytes
  }

  #items(field: FieldRef, packet: Dissection | undefined): Item[] {
    const count = this.#random.weighted([92, this.#random.int(1, 6)], [8, this.#random.int(20, 60)])
    return Array.from({ length: count }, () => this.#item(field, this.#random.chance(0.3) ? packet : this.#packet()))
  }

  #item(field: FieldRef, packet: Dissection | undefined): Item {
    const random = this.#random
    const { type } = fields[field.name]
    if (type.kind === 'address' && random.chance(0.25)) return { kind: 'set', name: random.pick(setNames) }
    if ((type.kind !== 'number' && type.kind !== 'bytes') || random.chance(0.6)) return this.#value(field, packet)
    const ends = [this.#number(field, packet), this.#number(field, this.#packet())]
    return { kind: 'range', from: Math.min(...ends), to: Math.max(...ends) }
  }

  #value(field: FieldRef, packet: Dissection | undefined): Value {
    const { type } = fields[field.name]
    if (type.kind === 'address')
      return { kind: 'prefix', prefix: this.prefix(packet && readAddress(packet, field.name)) }
    if (type.kind === 'name') return { kind: 'name', name: this.#name(packet) }
    if (type.kind === 'mac') return { kind: 'number', value: this.#mac(field.name, packet) }
    return { kind: 'number', value: this.#number(field, packet) }
  }

  /** A prefix around the address, or around one of the pool. */
  prefix(near?: Address): Prefix {
    const random = this.#random
    const address = near && random.chance(0.7) ? near : parseAddress(random.pick([...pool.ipv4, ...pool.ipv6]))
    const length = random.chance(0.4)
      ? addressBits[address.family]
      : random.pick(address.family === 4 ? pool.lengths4 : pool.lengths6)
    return prefixOf(address, length)
  }

  #name(packet: Dissection | undefined): string {
    const wire = packet?.question?.wire
    return wire && this.#random.chance(0.6) ? nameText(wire) : canonicalName(this.#random.pick(pool.names))
  }

  #mac(name: FieldName, packet: Dissection | undefined): number {
    const fact = packet && readFact(packet, name)
    return typeof fact === 'number' && this.#random.chance(0.6) ? fact : parseMac(this.#random.pick(pool.macs))
  }

  /** A number near one of a packet, of the pool, or at random. */
  #number(field: FieldRef, packet: Dissection | undefined): number {
    const random = this.#random
    const max = maxOf(field)
    const fact = packet && readNumber(packet, field)
    const value = random.weighted(
      [fact === undefined ? 0 : 60, fact ?? 0],
      [fact === undefined ? 0 : 10, (fact ?? 0) + random.pick([-1, 1])],
      [25, random.pick([...pool.ports, ...pool.bytes, ...pool.words, ...pool.longs])],
      [5, random.next()],
    )
    return Math.max(0, value) % (max + 1)
  }

  /** A rule; its limit, if it is one, is so high that it never comes to bear. */
  rule(id: string, when: Expr = this.expr()): Rule {
    return { id, action: this.#action(), when }
  }

  #action(): Action {
    const random = this.#random
    return random.weighted<() => Action>(
      [45, () => ({ kind: 'drop' })],
      [15, () => ({ kind: 'pass' })],
      [15, () => ({ kind: 'count' })],
      [15, () => ({ kind: 'limit', rate: random.pick([1e6, 1e9]), burst: random.pick([1e6, 1e7]), per: this.#key() })],
      [10, () => ({ kind: 'sample', every: random.pick([1, 2, 100, 1e6]) })],
    )()
  }

  #key(): LimitKey {
    const random = this.#random
    if (random.chance(0.4)) return { kind: 'rule' }
    if (random.chance(0.1)) return { kind: 'address', parts: [], ports: [random.pick(LIMIT_PORTS)] }
    const names = random.pick([['ip.src'], ['ip.dst'], ['ip.src', 'ip.dst']] as const)
    const parts = names.map((field) => {
      const bits4 = random.pick([32, 32, 24, 16, 0, 31])
      return { field, bits4, bits6: random.chance(0.7) ? defaultBits6(bits4) : random.pick([128, 64, 48, 0, 127]) }
    })
    return { kind: 'address', parts, ...(random.chance(0.2) ? { ports: [random.pick(LIMIT_PORTS)] } : {}) }
  }
}

/** Fields of which people write long lists of rules. */
const familyFields: readonly FieldName[] = [
  'ip.src',
  'ip.src',
  'ip.dst',
  'udp.dstport',
  'udp.srcport',
  'tcp.dstport',
  'ip.proto',
  'tcp.flags',
  'dns.qry.name',
  'vlan.id',
  'ip.len',
]

function isPresent(packet: Dissection, name: FieldName): boolean {
  const fact = readFact(packet, name)
  return fact !== undefined && fact !== false
}

function readAddress(packet: Dissection, name: FieldName): Address | undefined {
  const fact = readFact(packet, name)
  return typeof fact === 'object' && 'family' in fact ? fact : undefined
}

function readNumber(packet: Dissection, { name, slice }: FieldRef): number | undefined {
  const fact = readFact(packet, name)
  if (typeof fact === 'number') return fact
  if (!slice || !(fact instanceof Uint8Array) || fact.length < slice.offset + slice.length) return undefined
  return fact.subarray(slice.offset, slice.offset + slice.length).reduce((value, byte) => value * 256 + byte, 0)
}

function maxOf({ name, slice }: FieldRef): number {
  const { type } = fields[name]
  return 2 ** (type.kind === 'number' ? type.bits : 8 * (slice?.length ?? 4)) - 1
}

/** The text of a name on the wire, in lower case already; a dot within a label cannot be told from others. */
function nameText(wire: Uint8Array): string {
  const labels: string[] = []
  for (let at = 0; wire[at]; at += wire[at]! + 1) {
    labels.push(String.fromCharCode(...wire.subarray(at + 1, at + 1 + wire[at]!)))
  }
  return labels.join('.')
}
