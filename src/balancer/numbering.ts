import { SeawallError } from '../entry/errors.ts'

/** Numbers of names in the kernel's maps, from 1; 0 is nobody. */
export type Numbering = Readonly<Record<string, number>>

/**
 * Numbers names: those that had one keep it, since rows of tables and counters go by it; others get the lowest that nobody has.
 *
 * @param limit the highest number.
 * @throws SeawallError SEAWALL_FULL
 */
export function renumber(what: string, names: readonly string[], before: Numbering, limit: number): Numbering {
  const taken = new Set(names.flatMap((name) => before[name] ?? []))
  let next = 1
  const numbering: Record<string, number> = {}
  for (const name of names) {
    const known = before[name]
    if (known === undefined) {
      while (taken.has(next)) next++
      if (next > limit)
        throw new SeawallError(
          'SEAWALL_FULL',
          `Cannot number ${what} "${name}": there are ${names.length}, wanted at most ${limit}`,
        )
      taken.add(next)
    }
    numbering[name] = known ?? next
  }
  return numbering
}

/** Names by their number. */
export function namesOf(numbering: Numbering): ReadonlyMap<number, string> {
  return new Map(Object.entries(numbering).map(([name, number]) => [number, name]))
}
