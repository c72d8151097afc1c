/** Plain values that `seawall iptables` hands out; all of them survive JSON. */
import type { Count } from '../types.ts'
import type { Family, TABLE } from './family.ts'
import type { Variant } from './tools.ts'

/** One line of a plan. */
export interface IptablesChange {
  readonly kind: 'add' | 'remove' | 'move'
  readonly what: 'jump' | 'rule' | 'set' | 'program'
  /** Which of iptables and ip6tables; absent for programs, which both use. */
  readonly family?: Family
  readonly text: string
}

/** A text for `iptables-restore --noflush --counters`, or for ip6tables. */
export interface IptablesCommit {
  readonly family: Family
  readonly text: string
}

export interface IptablesPlan {
  readonly variant: Variant
  readonly table: typeof TABLE
  /** Nothing of Seawall's is there yet. */
  readonly fresh: boolean
  readonly changes: readonly IptablesChange[]
  readonly commits: readonly IptablesCommit[]
  readonly warnings: readonly string[]
}

export interface IptablesResult {
  readonly plan: IptablesPlan
  /** False if there was nothing to do. */
  readonly changed: boolean
}

export interface IptablesRuleStatus {
  readonly id: string
  /** The target as iptables says it: DROP, RETURN, NFLOG, or none for a rule that counts. */
  readonly target: string | undefined
  readonly ipv4: Count
  readonly ipv6: Count
}

export interface IptablesStatus {
  readonly variant: Variant
  readonly table: typeof TABLE
  readonly interfaces: readonly string[]
  readonly malformed: { readonly ipv4: Count; readonly ipv6: Count }
  /** In the order of the chain. */
  readonly rules: readonly IptablesRuleStatus[]
}
