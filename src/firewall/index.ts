/** The firewall: its configuration, its state in the kernel and everything that changes it. */
export { SeawallError, type SeawallErrorCode } from '../entry/errors.ts'
export type { DesiredInterface } from '../entry/interface-config.ts'
export { type Lock, type LockName, takeLock } from '../entry/lock.ts'
export { defaultPaths, type Paths } from '../entry/paths.ts'
export type { CaptureRequest } from './capture.ts'
export { CaptureReader } from './capture-reader.ts'
export type { FirewallConfig, SetConfig } from './config.ts'
export type { Desired, SetSource } from './desired.ts'
export type { DropRequest } from './dynamic.ts'
export { type ApplyRequest, Firewall, type FirewallOptions } from './firewall.ts'
export type { RuleConfig } from './rule-config.ts'
export { type Protection, type ProtectOptions, protect } from './sockets/protect.ts'
export type { SocketCounters } from './sockets/socket-counters.ts'
export type {
  ApplyResult,
  CapturedPacket,
  CaptureStatus,
  Change,
  ChangeKind,
  Count,
  CountersReport,
  FirewallStatus,
  InterfaceStatus,
  PacketCopy,
  PendingConfirm,
  Plan,
  Probe,
  ProbedProgram,
  ProbeReport,
  RuleStatus,
  Sample,
  SetStatus,
  XdpMode,
} from './types.ts'
