import type { DesiredInterface } from '../entry/interface-config.ts'
import type { Prefix } from '../net/prefix.ts'
import type { MalformedPolicy, Rule } from '../rules/ast.ts'
import type { SynCookies } from './syn-cookies/config.ts'

export type SetSource =
  /** `path` is absolute. */
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'inline'; readonly prefixes: readonly Prefix[] }

/** What the data plane shall be: a configuration that was checked, independent of the kernel and of the file it came from. */
export interface Desired {
  readonly interfaces: readonly DesiredInterface[]
  readonly malformed: MalformedPolicy
  /** Configured rules in order; dynamic ones are no part of it. */
  readonly rules: readonly Rule[]
  readonly sets: ReadonlyMap<string, SetSource>
  /** Absent when SYNs are the kernel's matter. */
  readonly synCookies?: SynCookies
}
