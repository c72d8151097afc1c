import { createHash } from 'node:crypto'
import { type BpfMap, Program } from '../../bpf/index.ts'
import { Handles } from '../../entry/handles.ts'
import { VERSION } from '../../entry/version.ts'
import type { Expr, RuleSet } from '../../rules/ast.ts'
import { type Compiled, compile, setSymbol, TABLES } from '../../rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../../rules/counters.ts'
import { formatExpr } from '../../rules/print.ts'
import type { BuiltSet, SetGeometry } from '../../rules/sets/index.ts'
import { createNeeded } from '../maps.ts'

/** A program for `-m bpf`: it returns 1 for packets that match. Its name tells its contents. */
export interface MatchProgram {
  /** Name of its pin. */
  readonly name: string
  /** What it matches, for people. */
  readonly text: string
  readonly compiled: Compiled
  /** Sets that the program looks into itself. */
  readonly sets: ReadonlyMap<string, BuiltSet>
}

/** A set that a program looks into. */
export interface LaidSet {
  readonly built: BuiltSet
  readonly digest: string
}

/** The program that matches malformed packets. */
export const malformedProgram = (): MatchProgram => build('malformed', { rules: [], malformed: 'drop' }, new Map())

/**
 * The program that matches an expression.
 *
 * @param id of the rule, for errors
 * @throws CompileError
 */
export function matchProgram(id: string, expr: Expr, sets: ReadonlyMap<string, LaidSet>): MatchProgram {
  const rule = { id, action: { kind: 'drop' }, when: expr } as const
  return build(formatExpr(expr), { rules: [rule], malformed: 'pass' }, sets)
}

function build(text: string, ruleSet: RuleSet, sets: ReadonlyMap<string, LaidSet>): MatchProgram {
  const compiled = compile(ruleSet, {
    attach: 'xt_bpf',
    sets: new Map([...sets].map(([name, { built }]): [string, SetGeometry] => [name, built.geometry])),
    counterSlot: () => FIRST_RULE_SLOT,
    // Of use to limits alone, which are hashlimit's work here.
    clock: { hz: 1000, jiffiesAtZero: 0n },
    secret: 0n,
  })
  // Not of the instructions, as sets are laid out otherwise each time.
  const contents = [VERSION, text, ...[...sets].map(([name, { digest }]) => `${name} ${digest}`)].join('\n')
  const name = createHash('sha256').update(contents).digest('hex').slice(0, 16)
  return { name, text, compiled, sets: new Map([...sets].map(([of, { built }]) => [of, built])) }
}

/**
 * Loads a program. Its tables and sets are its own and live as long as it does.
 *
 * @param shared maps that all programs have together, by symbol
 * @throws VerifierError
 */
export async function loadMatchProgram(program: MatchProgram, shared: ReadonlyMap<string, BpfMap>): Promise<Program> {
  const { compiled, sets } = program
  const handles = new Handles()
  try {
    const maps = new Map(shared)
    for (const need of compiled.maps)
      if (!maps.has(need.symbol)) maps.set(need.symbol, handles.keep(createNeeded(need)))
    maps.get(TABLES)?.mmap().set(compiled.tables)
    for (const [name, { write }] of sets) write(maps.get(setSymbol(name))!.mmap())
    const instructions = compiled.assemble((symbol) => maps.get(symbol)!.fd)
    return await Program.load({ type: compiled.type, name: 'match', instructions, license: 'Dual BSD/GPL' })
  } finally {
    handles.close()
  }
}
