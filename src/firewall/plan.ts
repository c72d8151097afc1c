import { SeawallError } from '../entry/errors.ts'
import type { RuleSet } from '../rules/ast.ts'
import { type ClockCalibration, compile } from '../rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../rules/counters.ts'
import { formatRuleBody } from '../rules/print.ts'
import type { SetGeometry } from '../rules/sets/index.ts'
import { type Behind, nextStage } from './compile-generation.ts'
import type { Desired } from './desired.ts'
import { diff, type Outline } from './diff.ts'
import { dynamicRules } from './dynamic.ts'
import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import type { SetInput } from './sets.ts'
import type { Plan } from './types.ts'
import { ruleWarnings } from './warnings.ts'

/** Programs are equally long whatever the clock says. */
const anyClock: ClockCalibration = { hz: 250, jiffiesAtZero: 0n }

/** A plan, and how to find out how many instructions it takes, which is most of the work. */
export interface Draft {
  readonly plan: Omit<Plan, 'instructions'>
  /** @throws CompileError */
  measure(): number
}

export interface DraftInput {
  readonly sets: readonly SetInput[]
  /** Names of the parts that the configuration has. */
  readonly parts: readonly string[]
}

/**
 * Says what would change of the firewall.
 *
 * @throws SetFileError, SeawallError SEAWALL_DUPLICATE_RULE
 */
export async function draftPlan(live: Live | undefined, desired: Desired, { sets, parts }: DraftInput): Promise<Draft> {
  const known = new Map<string, { prefixes: number; geometry: SetGeometry }>()
  const manifest = live?.manifest
  for (const input of sets) known.set(input.name, await describe(input, manifest))
  const outline: Outline = {
    malformed: desired.malformed,
    interfaces: desired.interfaces,
    ...(desired.synCookies === undefined ? {} : { synCookies: desired.synCookies }),
    rules: desired.rules.map((rule) => ({ id: rule.id, text: formatRuleBody(rule) })),
    sets: sets.map(({ name, digest }) => ({ name, digest, prefixes: known.get(name)!.prefixes })),
  }
  const dynamic = dynamicRules(live)
  refuseTwins(outline, new Set(dynamic.map((rule) => rule.id)))
  const rules = [...dynamic, ...desired.rules]
  const geometries = new Map([...known].map(([name, { geometry }]) => [name, geometry]))
  const sizes = sets.map(({ name, file }) => {
    return { name, prefixes: known.get(name)!.prefixes, ...(file === undefined ? {} : { file }) }
  })
  const warnings = ruleWarnings(desired.rules, sizes)
  return {
    plan: { fresh: live === undefined, changes: diff(manifest, outline), rules: rules.length, warnings },
    measure: () =>
      measure({ rules, malformed: desired.malformed }, geometries, { synCookies: desired.synCookies, parts }),
  }
}

async function describe(
  input: SetInput,
  live: Manifest | undefined,
): Promise<{ prefixes: number; geometry: SetGeometry }> {
  const before = live?.sets.find((set) => set.name === input.name && set.digest === input.digest)
  if (before !== undefined) return before
  const { set, built } = await input.lay()
  return { prefixes: set.size, geometry: built.geometry }
}

function refuseTwins(outline: Outline, dynamic: ReadonlySet<string>): void {
  const twin = outline.rules.find((rule) => dynamic.has(rule.id))
  if (twin === undefined) return
  throw new SeawallError(
    'SEAWALL_DUPLICATE_RULE',
    `Cannot apply: a rule added at run time has the id "${twin.id}" of a configured one (seawall undo ${twin.id})`,
  )
}

function measure(rules: RuleSet, sets: ReadonlyMap<string, SetGeometry>, behind: Behind): number {
  let next = FIRST_RULE_SLOT
  return compile(rules, { sets, counterSlot: () => next++, clock: anyClock, secret: 0n, ...nextStage(behind) }).slots
    .length
}
