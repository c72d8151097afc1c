export type { Desired, DesiredInterface, SetSource } from './desired.ts'
export { FirewallError, type FirewallErrorCode } from './errors.ts'
export type {
  ApplyResult,
  Change,
  ChangeKind,
  Count,
  CountersReport,
  FirewallStatus,
  InterfaceStatus,
  PendingConfirm,
  Plan,
  Probe,
  RuleStatus,
  Sample,
  SetStatus,
  XdpMode,
} from './types.ts'
