import type { Change } from '../../firewall/index.ts'
import { formatList } from './list.ts'
import { formatCount } from './numbers.ts'

/** Backends of a service that are all named, and names in a shorter list. */
const FEW = 8

/** Texts of a service in a plan, `ADDRESS PORTS → BACKENDS (FLAGS)`: of many backends only those in which the two differ. */
export function shortenServices(before?: string, after?: string): Pick<Change, 'before' | 'after'> {
  const [first, second] = [before, after].map((text) => (text === undefined ? undefined : split(text)))
  return {
    ...(before === undefined ? {} : { before: first === undefined ? before : join(first, second) }),
    ...(after === undefined ? {} : { after: second === undefined ? after : join(second, first) }),
  }
}

interface ServiceText {
  readonly where: string
  readonly backends: readonly string[]
  readonly flags: string
}

function split(text: string): ServiceText | undefined {
  const [, where, backends, flags] = /^(.*) → (.*) (\(.*?\))$/.exec(text) ?? []
  return where === undefined ? undefined : { where, backends: backends!.split(', '), flags: flags! }
}

function join({ where, backends, flags }: ServiceText, other: ServiceText | undefined): string {
  return `${where} → ${backendsText(backends, other?.backends)} ${flags}`
}

function backendsText(backends: readonly string[], others: readonly string[] = []): string {
  if (backends.length <= FEW) return backends.join(', ')
  const common = new Set(others)
  const own = backends.filter((name) => !common.has(name))
  const same = backends.length - own.length
  if (same === 0) return formatList(backends, FEW)
  return [...(own.length === 0 ? [] : [formatList(own, FEW)]), `${formatCount(same)} in both`].join(', ')
}
