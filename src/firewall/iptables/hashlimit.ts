import { createHash } from 'node:crypto'
import type { Action } from '../../rules/ast.ts'
import { formatRate } from '../../rules/print.ts'
import { RuleProblem } from './errors.ts'
import type { Family } from './family.ts'

type Limit = Extract<Action, { kind: 'limit' }>

/** Microseconds of a second: hashlimit (revision 3) counts the time between two packets in whole ones. */
const SCALE = 1_000_000

/** What the rate that is kept may differ from the one asked for. */
export const MAX_ERROR = 0.02

/** XT_HASHLIMIT_BURST_MAX of libxt_hashlimit. */
export const MAX_BURST = 1_000_000

/** Seconds that a burst may take to come back: what the kernel's 64 bits of credit are made for (CREDITS_PER_JIFFY). */
export const MAX_REFILL = 86_400

/** Keys of a limit at most; hashlimit drops the packets of all others while it holds so many. */
export const MAX_KEYS = 262_144
const BUCKETS = 32_768

/** Units as iptables-save prints them, and their seconds. */
const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['min', 60],
  ['sec', 1],
] as const

export interface Hashlimit {
  /** As iptables-save prints it. */
  readonly text: string
  /** The rate that is kept, packets a second. */
  readonly rate: number
}

/**
 * The match that is true for packets over a limit. `id` is that of the rule.
 *
 * @throws RuleProblem for a limit that hashlimit cannot keep
 */
export function hashlimit(id: string, limit: Limit, family: Family): Hashlimit {
  checkLimit(limit)
  const period = periodOf(limit.rate)
  const { count, name, seconds } = printed(period)
  const key = keyOf(limit, family)
  const above = `--hashlimit-above ${count}/${name} --hashlimit-burst ${limit.burst}${key.mode}`
  const size = `--hashlimit-htable-size ${BUCKETS} --hashlimit-htable-max ${MAX_KEYS}`
  const rest = `${size}${expiry(limit, seconds)}${key.masks}`
  // A table that is there already keeps its parameters, so that other parameters need another name.
  const digest = createHash('sha256').update(`${above} ${rest}`).digest('hex').slice(0, 8)
  return { text: `-m hashlimit ${above} --hashlimit-name seawall-${id}-${digest} ${rest}`, rate: SCALE / period }
}

function checkLimit({ rate, burst }: Limit): void {
  const period = SCALE / rate
  if (period < 1) throw new RuleProblem(`the rate ${formatRate(rate)}, wanted at most ${SCALE}/s`)
  const kept = SCALE / periodOf(rate)
  if (Math.abs(kept / rate - 1) > MAX_ERROR) {
    const [slow, fast] = [Math.ceil(period), Math.floor(period)].map((one) => Math.round(SCALE / one))
    const wanted = `wanted one whose packets are whole microseconds apart, such as ${slow}/s or ${fast}/s`
    throw new RuleProblem(`the rate ${formatRate(rate)}, ${wanted}`)
  }
  if (burst > MAX_BURST) throw new RuleProblem(`a burst of ${burst}, wanted at most ${MAX_BURST}`)
  if (burst / rate > MAX_REFILL) {
    const wanted = `wanted one that comes back in a day, at most ${Math.floor(rate * MAX_REFILL)}`
    throw new RuleProblem(`a burst of ${burst} at ${formatRate(rate)}, ${wanted}`)
  }
}

/** Microseconds from packet to packet, such that iptables reads what it prints as the same again. */
function periodOf(rate: number): number {
  let period = Math.round(SCALE / rate)
  for (;;) {
    const { count, seconds } = printed(period)
    const again = Math.floor((SCALE * seconds) / count)
    if (again === period) return period
    period = again
  }
}

/** How iptables-save prints a period: in the smallest unit in which what is left over does not matter. */
function printed(period: number): { readonly count: number; readonly name: string; readonly seconds: number } {
  let chosen: (typeof units)[number] = units[0]
  for (const unit of units.slice(1)) {
    const span = unit[1] * SCALE
    if (period > span || Math.floor(span / period) < span % period) break
    chosen = unit
  }
  const [name, seconds] = chosen
  return { count: Math.floor((seconds * SCALE) / period), name, seconds }
}

/** A key is forgotten when it has not been seen for so long; by then its burst must have come back, or it would come back too early. */
function expiry({ rate, burst }: Limit, unit: number): string {
  const ms = Math.max(10_000, Math.ceil((burst / rate) * 1000) + 1000)
  // The default, which iptables-save does not print.
  return ms === unit * 1000 ? '' : ` --hashlimit-htable-expire ${ms}`
}

function keyOf({ per }: Limit, family: Family): { readonly mode: string; readonly masks: string } {
  if (per.kind === 'rule') return { mode: '', masks: '' }
  if (per.ports !== undefined) throw new RuleProblem(`a limit per ${per.ports[0]}, wanted one per address`)
  const parts = (['src', 'dst'] as const).flatMap((side) => {
    const part = per.parts.find(({ field }) => field === `ip.${side}`)
    return part === undefined ? [] : [{ side, bits: family === 4 ? part.bits4 : part.bits6 }]
  })
  // iptables-save does not print the length of a whole address.
  const masks = parts.filter(({ bits }) => bits !== (family === 4 ? 32 : 128))
  return {
    mode: ` --hashlimit-mode ${parts.map(({ side }) => `${side}ip`).join(',')}`,
    masks: masks.map(({ side, bits }) => ` --hashlimit-${side}mask ${bits}`).join(''),
  }
}
