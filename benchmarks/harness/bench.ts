import type { Result } from './result.ts'

/** What a benchmark is given. */
export interface BenchRun {
  /** Only show that everything works, in little time: the figures are not to be judged. */
  readonly smoke: boolean
  /** How often each case is measured; minimum and median come from these. */
  readonly runs: number
  /** Repeats within one test run of a program. */
  readonly repeat: number
  /** Tells a person what is going on. */
  readonly say: (text: string) => void
}

/** What `benchmarks/NAME.ts` exports as `bench`: its cases, each judged as soon as it is measured. */
export type Bench = (run: BenchRun) => AsyncIterable<Result>

/** A thorough run, as for figures that are written down. */
export const thorough: Omit<BenchRun, 'say'> = { smoke: false, runs: 21, repeat: 1_000_000 }

/** A short run, as for CI. */
export const smoke: Omit<BenchRun, 'say'> = { smoke: true, runs: 2, repeat: 10_000 }
