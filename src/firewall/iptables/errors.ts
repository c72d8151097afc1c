export type IptablesErrorCode =
  /** A rule that iptables cannot keep exactly. */
  | 'IPTABLES_RULE_UNSUPPORTED'
  /** A program is not installed, or the kernel lacks a module. */
  | 'IPTABLES_MISSING'
  /** Another program held the xtables lock for too long. */
  | 'IPTABLES_LOCKED'
  /** Somebody else's rules stand in the way. */
  | 'IPTABLES_FOREIGN'
  | 'IPTABLES_FAILED'
  /** A change failed, and so did the way back: IPv4 and IPv6 may not agree. */
  | 'IPTABLES_NOT_PUT_BACK'

/** Why rules could not be put into iptables, or taken out. */
export class IptablesError extends Error {
  readonly code: IptablesErrorCode

  constructor(code: IptablesErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IptablesError'
    this.code = code
  }
}

/** Something about a rule that iptables cannot keep: what was found and what was wanted. */
export class RuleProblem extends Error {
  override readonly name = 'RuleProblem'
}
