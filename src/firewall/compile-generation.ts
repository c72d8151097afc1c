import { Stage } from '../generated/syncookies.ts'
import type { MalformedPolicy, Rule } from '../rules/ast.ts'
import { type ClockCalibration, type Compiled, compile, compileCopies } from '../rules/compile/index.ts'
import type { Manifest } from './manifest.ts'
import type { SynCookies } from './syn-cookies/config.ts'

/** The slot of what comes behind the rules, in a program array of the generation's own, so that all are swapped as one. */
export const NEXT_STAGE = Stage.SynCookies

/** All that the program of a generation depends on: the same of it makes the same instructions. */
export interface CompileInput extends Pick<Manifest, 'sets' | 'secret'>, Behind {
  readonly rules: readonly Rule[]
  readonly malformed: MalformedPolicy
  readonly slotOf: ReadonlyMap<string, number>
  readonly clock: ClockCalibration
}

/** What packets go on to when the rules let them pass. */
export interface Behind {
  readonly synCookies?: SynCookies | undefined
  /** Names of the parts of the generation. */
  readonly parts: readonly string[]
}

/**
 * Where a program that others come behind goes on; one without ends. The stage of SYN cookies, where it is the only one behind, has packets
 * copied with its own verdict; parts have them copied before.
 */
export const nextStage = ({ synCookies, parts }: Behind): { next?: number; handsOver?: boolean } =>
  synCookies === undefined && parts.length === 0 ? {} : { next: NEXT_STAGE, handsOver: parts.length === 0 }

/** @throws CompileError */
export function compileGeneration({
  rules,
  malformed,
  sets,
  slotOf,
  clock,
  secret,
  ...behind
}: CompileInput): Compiled {
  return compile(
    { rules, malformed },
    {
      sets: geometriesOf(sets),
      counterSlot: (id) => slotOf.get(id)!,
      clock,
      secret: BigInt(`0x${secret}`),
      ...nextStage(behind),
    },
  )
}

/** What copies packets behind the stage of SYN cookies, for captures and samples; undefined if nothing is copied there. */
export function compileCopiesOf({ rules, malformed, sets, ...behind }: CompileInput): Compiled | undefined {
  if (nextStage(behind).handsOver !== true) return undefined
  return compileCopies({ rules, malformed }, { sets: geometriesOf(sets) }, Stage.Answer)
}

const geometriesOf = (sets: CompileInput['sets']) => new Map(sets.map((set) => [set.name, set.geometry]))
