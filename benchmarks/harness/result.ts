import type { Timing } from './timing.ts'

/** What one case of a benchmark came to. */
export interface Result {
  /** The benchmark's name, which is its file's. */
  readonly bench: string
  readonly case: string
  /** `hot`: one packet or key again and again, which flatters caches and branch prediction; `random`: another one each time. */
  readonly keys: 'hot' | 'random'
  readonly value: Timing
  readonly unit: string
  /** The least that can be had, measured in the same run; `null` where there is no such thing. */
  readonly floor: Timing | null
  /** Others doing the same work, measured in the same run. */
  readonly rivals: Readonly<Record<string, Timing>>
  /** Largest minimum that meets the target: above the floor where there is one, else absolute. `null`: for information only. */
  readonly target: number | null
  readonly met: boolean | null
}

/** What a case knows before it is judged. */
export type Measured = Omit<Result, 'floor' | 'rivals' | 'target' | 'met'> &
  Partial<Pick<Result, 'floor' | 'rivals' | 'target'>>

/** Fills in what is left out, and says whether the target is met. The minimum counts: the machine may be shared. */
export function judge({ floor = null, rivals = {}, target = null, ...measured }: Measured): Result {
  const over = measured.value.min - (floor?.min ?? 0)
  const { bench, keys, value, unit } = measured
  return {
    bench,
    case: measured.case,
    keys,
    value,
    unit,
    floor,
    rivals,
    target,
    met: target === null ? null : over <= target,
  }
}
