import type { MalformedPolicy, Rule } from '../rules/ast.ts'
import { type ClockCalibration, type Compiled, compile } from '../rules/compile/index.ts'
import type { Manifest } from './manifest.ts'

/** All that the program of a generation depends on: the same of it makes the same instructions. */
export interface CompileInput extends Pick<Manifest, 'sets' | 'secret'> {
  readonly rules: readonly Rule[]
  readonly malformed: MalformedPolicy
  readonly slotOf: ReadonlyMap<string, number>
  readonly clock: ClockCalibration
}

/** @throws CompileError */
export function compileGeneration({ rules, malformed, sets, slotOf, clock, secret }: CompileInput): Compiled {
  return compile(
    { rules, malformed },
    {
      sets: new Map(sets.map((set) => [set.name, set.geometry])),
      counterSlot: (id) => slotOf.get(id)!,
      clock,
      secret: BigInt(`0x${secret}`),
    },
  )
}
