import type { MalformedPolicy, Rule } from '../../rules/ast.ts'
import { CompileError } from '../../rules/compile/index.ts'
import { canonical } from '../../rules/make.ts'
import { formatExpr, formatRate } from '../../rules/print.ts'
import { buildSet, type PrefixSet } from '../../rules/sets/index.ts'
import { actionParts } from './action.ts'
import { CHAIN, type ChainState, commentOf, JUMP_COMMENT, type Label, type Line } from './chain-state.ts'
import { IptablesError, RuleProblem } from './errors.ts'
import { type Family, families, type PerFamily, perFamily } from './family.ts'
import { digestOf, type Ipset, type Ipsets, toIpsets } from './ipset.ts'
import { asksAbout, setsIn, splitMatch } from './match.ts'
import { type LaidSet, type MatchProgram, malformedProgram, matchProgram } from './match-program.ts'
import { ofFamily } from './of-family.ts'

/** What shall be in iptables, in terms of a configuration. */
export interface TranslateInput {
  /** Names of the interfaces whose packets are looked at. */
  readonly interfaces: readonly string[]
  readonly malformed: MalformedPolicy
  readonly rules: readonly Rule[]
  readonly sets: ReadonlyMap<string, PrefixSet>
  /** Folder of the pinned programs. */
  readonly pins: string
}

/** The same in terms of iptables. */
export interface Translation {
  readonly wanted: PerFamily<ChainState>
  readonly sets: readonly Ipset[]
  readonly programs: readonly MatchProgram[]
  readonly warnings: readonly string[]
}

/**
 * Turns a rule set into rules for iptables and ip6tables. Touches nothing.
 *
 * @throws IptablesError IPTABLES_RULE_UNSUPPORTED, naming every rule that cannot be kept and what of it
 */
export function translate(input: TranslateInput): Translation {
  return new Translator(input).run()
}

class Translator {
  readonly #input: TranslateInput
  readonly #ipsets = new Map<string, Ipsets>()
  readonly #used = new Map<string, Ipset>()
  readonly #laid = new Map<string, LaidSet>()
  /** By what they match. */
  readonly #programs = new Map<string, MatchProgram>()
  readonly #warnings = new Set<string>()
  readonly #problems = new Set<string>()

  constructor(input: TranslateInput) {
    this.#input = input
  }

  run(): Translation {
    const jumps = this.#jumps()
    const wanted = perFamily((family) => ({ lines: this.#lines(family), jumps }))
    if (this.#problems.size > 0) throw unsupported([...this.#problems])
    return {
      wanted,
      sets: [...this.#used.values()],
      programs: [...this.#programs.values()],
      warnings: [...this.#warnings],
    }
  }

  #jumps(): ChainState['jumps'] {
    return this.#input.interfaces.map((name, index) => {
      // iptables takes it for all names that begin so.
      if (name.endsWith('+')) this.#problems.add(`Interface "${name}" has a name that ends in "+", wanted another name`)
      return { text: `-A PREROUTING -i ${name} -m comment --comment ${JUMP_COMMENT} -j ${CHAIN}`, place: index + 1 }
    })
  }

  /** Rules never see malformed packets, so these are dealt with first. */
  #lines(family: Family): Line[] {
    const target = this.#input.malformed === 'drop' ? '-j DROP' : '-j RETURN'
    const malformed = this.#program('malformed', malformedProgram)
    const rules = this.#input.rules.flatMap((rule) => this.#line(rule, family) ?? [])
    return [line([malformed], { kind: 'malformed' }, [target]), ...rules]
  }

  /** Undefined if no packet of the family can match. */
  #line(rule: Rule, family: Family): Line | undefined {
    try {
      if (rule.until !== undefined) throw new RuleProblem('an end, wanted a rule without one')
      // The padding of short frames is gone when iptables sees the packet.
      if (asksAbout(rule.when, 'frame.len')) throw new RuleProblem('a test of "frame.len", wanted "ip.len"')
      const matches = this.#matches(rule, family)
      if (matches === undefined) return undefined
      const action = actionParts(rule, family)
      if (action.warning !== undefined) this.#warnings.add(action.warning)
      this.#warnIfApart(rule, family)
      return line([...matches, ...action.matches], { kind: 'rule', id: rule.id }, action.target)
    } catch (error) {
      if (error instanceof CompileError) this.#problems.add(error.message)
      else if (error instanceof RuleProblem) this.#problems.add(`Rule "${rule.id}" has ${error.message}`)
      else throw error
      return undefined
    }
  }

  #matches(rule: Rule, family: Family): string[] | undefined {
    const expr = ofFamily(canonical(rule.when), family)
    if (expr.kind === 'literal' && !expr.value) return undefined
    const { sets, bytecodes, counts, rest } = splitMatch(expr, family)
    const matches: string[] = []
    for (const { name, side, not } of sets) {
      const ipset = this.#ipset(name, family)
      // No address is in a set that holds nothing.
      if (ipset === undefined && !not) return undefined
      if (ipset !== undefined) matches.push(`-m set ${not ? '! ' : ''}--match-set ${ipset.name} ${side}`)
    }
    matches.push(...bytecodes.map((text) => `-m bpf --bytecode "${text}"`))
    if (rest === undefined) return [...matches, ...counts]
    const inside = [...new Set(setsIn(rest))].sort()
    const program = () => matchProgram(rule.id, rest, new Map(inside.map((name) => [name, this.#laidSet(name)])))
    return [...matches, this.#program(formatExpr(rest), program), ...counts]
  }

  /** Limits of whole rules exist once for each family. */
  #warnIfApart({ id, action, when }: Rule, family: Family): void {
    if (action.kind !== 'limit' || action.per.kind !== 'rule' || family === 4) return
    const other = ofFamily(canonical(when), 4)
    if (other.kind === 'literal' && !other.value) return
    this.#warnings.add(`rule "${id}": IPv4 and IPv6 are limited apart, to ${formatRate(action.rate)} each`)
  }

  #ipset(name: string, family: Family): Ipset | undefined {
    const known = this.#ipsets.get(name) ?? toIpsets(name, this.#set(name))
    this.#ipsets.set(name, known)
    const ipset = known[family]
    if (ipset !== undefined) this.#used.set(ipset.name, ipset)
    return ipset
  }

  #laidSet(name: string): LaidSet {
    const known = this.#laid.get(name)
    if (known !== undefined) return known
    const set = this.#set(name)
    const laid = { built: buildSet(set), digest: families.map((family) => digestOf(set.columns(family))).join('-') }
    this.#laid.set(name, laid)
    return laid
  }

  #set(name: string): PrefixSet {
    const set = this.#input.sets.get(name)
    if (set === undefined) throw new RuleProblem(`the unknown set "$${name}", wanted one of the configuration`)
    return set
  }

  /** The match that asks a program. */
  #program(what: string, make: () => MatchProgram): string {
    const program = this.#programs.get(what) ?? make()
    this.#programs.set(what, program)
    return `-m bpf --object-pinned ${this.#input.pins}/${program.name}`
  }
}

function unsupported(problems: readonly string[]): IptablesError {
  const what = problems.length === 1 ? 'one thing' : `${problems.length} things`
  return new IptablesError(
    'IPTABLES_RULE_UNSUPPORTED',
    `Cannot put the configuration into iptables: it cannot keep ${what} of it\n${problems.map((one) => `  ${one}`).join('\n')}`,
  )
}

function line(matches: readonly string[], label: Label, target: readonly string[]): Line {
  const text = [`-A ${CHAIN}`, ...matches, `-m comment --comment ${commentOf(label)}`, ...target].join(' ')
  return { text, packets: 0, bytes: 0 }
}
