import { balancerSchema, type DesiredBalancer } from '../../src/balancer/index.ts'
import { formatPath } from '../../src/config/document.ts'
import type { IssueParams } from '../../src/entry/schema.ts'

export const KEY = '8f14e45fceea167a5a36dedd4bea2543'

export const web = { address: '192.0.2.53', port: 80, protocol: 'tcp' } as const

/** A whole configuration; tests put other values in place of some keys. */
const whole = { key: KEY, backends: { edge2: '10.0.1.2', edge1: '10.0.1.1' }, services: [web] }

type Changes = object

/** What a configuration with changed keys means. */
export function read(changes: Changes): DesiredBalancer {
  return balancerSchema.parse({ ...whole, ...changes })
}

/** `path: found …, wanted (remedy)` for each mistake; what was found only where it is not the value itself. */
export function mistakesOf(changes: Changes): string[] {
  const parsed = balancerSchema.safeParse({ ...whole, ...changes })
  return (parsed.error?.issues ?? []).map((issue) => {
    const { found, remedy, key } = ('params' in issue ? issue.params : {}) as IssueParams
    const before = found === undefined || key === true ? '' : `found ${found}, wanted `
    const path = formatPath(issue.path as (string | number)[])
    return `${path}: ${before}${issue.message}${remedy === undefined ? '' : ` (${remedy})`}`
  })
}

/** The mistakes of services in place of the usual one. */
export const mistakesOfServices = (...services: readonly unknown[]): string[] => mistakesOf({ services })
