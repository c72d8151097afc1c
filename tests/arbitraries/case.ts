/** A rule set, sets, and packets for it, all from one seed. */
import type { Address } from '../../src/net/address.ts'
import { type Prefix, prefixContains } from '../../src/net/prefix.ts'
import type { Expr, Rule, RuleSet } from '../../src/rules/ast.ts'
import { everyCut, randomPacket } from './packet.ts'
import { Random } from './random.ts'
import { RuleMaker } from './rule.ts'

export interface RandomCase {
  readonly seed: number
  readonly ruleSet: RuleSet
  readonly packets: readonly Uint8Array[]
  readonly sets: ReadonlyMap<string, Prefix[]>
}

export interface CaseOptions {
  /** Packets of the case, 64 by default. */
  readonly packets?: number
  /** Shortest packet in bytes; 14 by default, the least that an XDP test run takes. */
  readonly minLength?: number
  /** Some rules have ended in the first nanosecond of CLOCK_MONOTONIC, some end in a century; give `evaluate` a `now`. */
  readonly until?: boolean
}

/** The case of a seed: 0 to 20 rules, sometimes up to 300 simple ones, and packets that often match them. */
export function randomCase(seed: number, options: CaseOptions = {}): RandomCase {
  const random = new Random(seed)
  const packets = randomPackets(random, options.packets ?? 64, options.minLength ?? 14)
  const maker = new RuleMaker(random, packets)
  const made = randomWhens(random, maker).map((when, index) => maker.rule(`r${index}`, when))
  const rules = options.until
    ? made.map((rule) => (random.chance(0.3) ? { ...rule, until: random.pick(ends) } : rule))
    : made
  const malformed = random.chance(0.8) ? 'drop' : 'pass'
  return { seed, ruleSet: { rules: spread(random, rules), malformed }, packets, sets: randomSets(random, maker) }
}

/** Long ago, and in a century. */
const ends = [1n, 3_155_760_000_000_000_000n] as const

function randomPackets(random: Random, count: number, minLength: number): Uint8Array[] {
  const packets: Uint8Array[] = []
  while (packets.length < count) {
    const packet = randomPacket(random)
    const made = random.chance(0.004) ? everyCut(packet.slice(0, 200)) : [packet]
    packets.push(...made.filter(({ length }) => length >= minLength))
  }
  return packets.slice(0, count)
}

function randomWhens(random: Random, maker: RuleMaker): Expr[] {
  return random.weighted<() => Expr[]>(
    [80, () => random.list(0, 20, () => maker.expr())],
    [14, () => [...maker.family(random.int(5, 60)), ...random.list(0, 6, () => maker.expr())]],
    [6, () => [...maker.family(random.int(1, 150)), ...maker.family(random.int(1, 150))]],
  )()
}

/** Rules in another order, so that families interleave. */
function spread(random: Random, rules: readonly Rule[]): Rule[] {
  const rest = [...rules]
  if (random.chance(0.5)) return rest
  return Array.from({ length: rest.length }, () => rest.splice(random.int(0, rest.length - 1), 1)[0]!)
}

function randomSets(random: Random, maker: RuleMaker): Map<string, Prefix[]> {
  return new Map([
    ['alpha', random.list(1, 5, () => maker.prefix())],
    ['beta', random.list(1, 12, () => maker.prefix())],
    ['big', random.list(100, 300, () => maker.prefix())],
    ['none', []],
  ])
}

/** The sets as the evaluator asks for them. */
export function setsOf(sets: ReadonlyMap<string, readonly Prefix[]>): { has(name: string, address: Address): boolean } {
  return { has: (name, address) => sets.get(name)?.some((prefix) => prefixContains(prefix, address)) ?? false }
}
