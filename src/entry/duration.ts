import { SeawallError } from './errors.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Longest duration taken: a year, in milliseconds. */
const LONGEST = 366 * 86_400_000

/**
 * Reads a duration such as `90s`, `10m`, `1h30m` or `2d`.
 *
 * @returns milliseconds.
 * @throws SeawallError SEAWALL_INPUT for anything else, for nothing at all, and beyond a year.
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
  if (parts.map(([part]) => part).join('') !== text || ms < 1 || ms > LONGEST) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot read duration "${text}": wanted a number with a unit, up to a year (for example 90s, 10m, 1h30m)`,
    )
  }
  return Math.round(ms)
}

/** Milliseconds as the two greatest units that matter: `1h 30m`, `59s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`
  let rest = Math.round(ms / 1_000) * 1_000
  const parts: string[] = []
  for (const unit of ['d', 'h', 'm', 's']) {
    const count = Math.floor(rest / units[unit]!)
    rest -= count * units[unit]!
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}
