/** What a rule's text may leave out, and what stands for it. */
import { createHash } from 'node:crypto'

/** Packets of burst of a limit that names none: what it lets through in a second, one at least. */
export const defaultBurst = (rate: number): number => Math.max(1, Math.ceil(rate))

/** IPv6 bits of a limit key that names only IPv4 bits: 32 more, so that /24 goes with /56 and /32 with /64. */
export const defaultBits6 = (bits4: number): number => (bits4 === 0 ? 0 : bits4 + 32)

/** Seconds of the units of a rate. */
export const rateUnits = { s: 1, m: 60, h: 3600 } as const

/** The first unit in which a rate is a whole number, undefined if there is none. */
export function perUnit(rate: number): { name: keyof typeof rateUnits; count: number } | undefined {
  for (const name of ['s', 'm', 'h'] as const) {
    const count = Math.round(rate * rateUnits[name])
    if (count > 0 && count / rateUnits[name] === rate) return { name, count }
  }
  return undefined
}

/** The id of what names none: its kind, of a rule its action's, and a hash of its canonical text. */
export function derivedId(kind: string, body: string): string {
  return `${kind}-${createHash('sha256').update(body).digest('hex').slice(0, 8)}`
}

/** What an id may look like. */
export const idPattern = /^[A-Za-z0-9][\w.-]{0,62}$/
