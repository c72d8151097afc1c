import { type ChainState, type Line, labelOf, noChain } from './chain-state.ts'
import { type Family, families } from './family.ts'
import type { Ipset } from './ipset.ts'
import type { MatchProgram } from './match-program.ts'
import type { Present } from './present.ts'
import { isSame } from './restore.ts'
import type { Translation } from './translate.ts'
import type { IptablesChange } from './types.ts'

/** One family from what it has to what it shall have. */
export interface Step {
  readonly family: Family
  readonly from: ChainState
  readonly to: ChainState
}

/** All that is to be done, in this order: what is made, the steps, what is removed. */
export interface Changes {
  readonly steps: readonly Step[]
  readonly newSets: readonly Ipset[]
  readonly newPrograms: readonly MatchProgram[]
  readonly oldSets: readonly string[]
  readonly oldPrograms: readonly string[]
}

type Wanted = Pick<Translation, 'wanted' | 'sets' | 'programs'>

/** What has to change; `wanted` is undefined where nothing of Seawall's shall be left. */
export function changesFrom(present: Present, wanted: Wanted | undefined): Changes {
  const sets = new Set(wanted?.sets.map(({ name }) => name))
  const programs = new Set(wanted?.programs.map(({ name }) => name))
  return {
    steps: stepsFrom(present, wanted),
    newSets: (wanted?.sets ?? []).filter(({ name }) => !present.sets.includes(name)),
    newPrograms: [...byName(wanted?.programs ?? []).values()].filter(({ name }) => !present.programs.includes(name)),
    oldSets: present.sets.filter((name) => !sets.has(name)),
    oldPrograms: present.programs.filter((name) => !programs.has(name)),
  }
}

export const isNothing = ({ steps, newSets, newPrograms, oldSets, oldPrograms }: Changes): boolean =>
  [steps, newSets, newPrograms, oldSets, oldPrograms].every((list) => list.length === 0)

/** Expressions that mean the same may be one program. */
const byName = (programs: readonly MatchProgram[]) => new Map(programs.map((program) => [program.name, program]))

function stepsFrom(present: Present, wanted: Wanted | undefined): Step[] {
  return families.flatMap((family) => {
    const from = present.chains[family]
    const to = wanted?.wanted[family] ?? noChain
    return isSame(from, to) ? [] : [{ family, from, to: withCounters(to, from) }]
  })
}

/** A rule goes on counting as long as its id and its target stay. */
function withCounters(to: ChainState, from: ChainState): ChainState {
  if (to.lines === undefined) return to
  const before = new Map(from.lines?.map((line) => [identityOf(line), line]))
  const lines = to.lines.map((line) => {
    const { packets, bytes } = before.get(identityOf(line)) ?? line
    return { ...line, packets, bytes }
  })
  return { ...to, lines }
}

function identityOf({ text }: Line): string {
  return `${JSON.stringify(labelOf(text))} ${targetOf(text)} ${text.includes(' -m hashlimit ')}`
}

/** The target of a rule; undefined if it only counts. */
export const targetOf = (text: string): string | undefined => / -j (\S+)/.exec(text)?.[1]

/** The changes for people to read. */
export function describeChanges(changes: Changes): IptablesChange[] {
  const { steps, newSets, newPrograms, oldSets, oldPrograms } = changes
  return [
    ...newSets.map(({ name, family, of, prefixes }): IptablesChange => {
      return {
        kind: 'add',
        what: 'set',
        family,
        text: `${name}  ${prefixes} ${prefixes === 1 ? 'prefix' : 'prefixes'} of $${of}`,
      }
    }),
    ...newPrograms.map(
      ({ name, text }): IptablesChange => ({ kind: 'add', what: 'program', text: `${name}  ${text}` }),
    ),
    ...steps.flatMap(describeStep),
    ...oldSets.map((text): IptablesChange => {
      return { kind: 'remove', what: 'set', family: text.startsWith('seawall6') ? 6 : 4, text }
    }),
    ...oldPrograms.map((text): IptablesChange => ({ kind: 'remove', what: 'program', text })),
  ]
}

function describeStep({ family, from, to }: Step): IptablesChange[] {
  const changesOf = (what: 'jump' | 'rule', before: readonly string[], after: readonly string[]): IptablesChange[] => {
    const gone = without(before, after).map((text) => ({ kind: 'remove', what, family, text }) as const)
    const come = without(after, before).map((text) => ({ kind: 'add', what, family, text }) as const)
    const moved = gone.length + come.length === 0 && before.join('\n') !== after.join('\n')
    return moved ? [{ kind: 'move', what, family, text: 'in another order' }] : [...gone, ...come]
  }
  const jumpsOf = ({ jumps }: ChainState) => jumps.map(({ text }) => text)
  const rulesOf = ({ lines }: ChainState) => (lines ?? []).map(({ text }) => text)
  const displaced = from.jumps.some(({ place }, index) => place !== index + 1) && to.jumps.length > 0
  const jumps = changesOf('jump', jumpsOf(from), jumpsOf(to))
  const first: IptablesChange[] =
    displaced && jumps.length === 0 ? [{ kind: 'move', what: 'jump', family, text: 'to the first place' }] : []
  return [...changesOf('rule', rulesOf(from), rulesOf(to)), ...jumps, ...first]
}

function without(texts: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others)
  return texts.filter((text) => !known.has(text))
}
