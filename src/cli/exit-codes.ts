import { SeawallError } from '../entry/errors.ts'

/** How `seawall` ends; docs/cli.md has the same table. */
export const exitCodes = {
  ok: 0,
  /** Something went wrong that none of the others names, or evaluator and kernel disagree. */
  failed: 1,
  /** A wrong command line, rule, configuration, packet or name. */
  usage: 2,
  /** Another process holds the lock, or the state does not allow it. */
  refused: 3,
  /** The kernel or the driver cannot do it. */
  unsupported: 4,
  /** Root, or a capability, is missing. */
  privilege: 5,
  /** Nothing is in force. */
  notUp: 6,
  /** Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const byCode: Readonly<Record<string, ExitCode>> = {
  SEAWALL_CONFIG: exitCodes.usage,
  SEAWALL_INPUT: exitCodes.usage,
  SEAWALL_INTERFACE: exitCodes.usage,
  SEAWALL_UNKNOWN_RULE: exitCodes.usage,
  SEAWALL_UNKNOWN_SET: exitCodes.usage,
  SEAWALL_UNKNOWN_BACKEND: exitCodes.usage,
  SEAWALL_DUPLICATE_RULE: exitCodes.usage,
  SEAWALL_LOCKED: exitCodes.refused,
  SEAWALL_STATE_VERSION: exitCodes.refused,
  SEAWALL_NOTHING_TO_CONFIRM: exitCodes.refused,
  SEAWALL_NO_PREVIOUS: exitCodes.refused,
  SEAWALL_FLEET: exitCodes.refused,
  FLEET_NO_CONDUCTOR: exitCodes.refused,
  FLEET_NOT_CONDUCTOR: exitCodes.refused,
  FLEET_LEFT: exitCodes.refused,
  SEAWALL_NO_BPF: exitCodes.unsupported,
  SEAWALL_BPFFS: exitCodes.unsupported,
  BPFFS_MISSING: exitCodes.unsupported,
  SEAWALL_PERMISSION: exitCodes.privilege,
  IPTABLES_LOCKED: exitCodes.refused,
  IPTABLES_FOREIGN: exitCodes.refused,
  IPTABLES_MISSING: exitCodes.unsupported,
  PRIVILEGE_MISSING: exitCodes.privilege,
  PROCESS_GONE: exitCodes.usage,
  SOCKET_GONE: exitCodes.usage,
  BPF_EXPRESSION: exitCodes.usage,
  BPF_LIBRARY: exitCodes.unsupported,
  EPERM: exitCodes.privilege,
  EACCES: exitCodes.privilege,
  SEAWALL_NOT_UP: exitCodes.notUp,
  SEAWALL_NO_BALANCER: exitCodes.notUp,
  SEAWALL_NO_DISPATCH: exitCodes.notUp,
  // Of the compiler: rules that cannot be made a program.
  rule_too_complex: exitCodes.usage,
  too_many_rows: exitCodes.usage,
  too_many_fields: exitCodes.usage,
  too_many_captures: exitCodes.usage,
  unknown_set: exitCodes.usage,
  not_there: exitCodes.usage,
}

/** The exit code of a stable error code. */
export function exitCodeOf(code: string): ExitCode {
  if (/^(RULE|NET|SET_FILE|CLASSIC|PCAP)_/.test(code)) return exitCodes.usage
  if (/UNSUPPORTED/.test(code)) return exitCodes.unsupported
  return byCode[code] ?? exitCodes.failed
}

/** An argument or option that cannot be used. */
export function usageError(message: string, options?: ErrorOptions): SeawallError {
  return new SeawallError('SEAWALL_INPUT', message, options)
}
