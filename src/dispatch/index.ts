/** Socket dispatch: which socket gets a connection or a datagram, by local prefix, port and protocol. */
export {
  type Binding,
  type BindingWords,
  formatMatch,
  type Match,
  type Protocol,
  readBinding,
} from './binding.ts'
export { type DispatchConfig, dispatchSchema, type LabelConfig } from './config.ts'
export { type ConnectionIdsOptions, type QuicPlace, quicConnectionIds } from './connection-id.ts'
export type { DesiredDispatch } from './desired.ts'
export type { DestinationKey } from './directory.ts'
export { Dispatch, type DispatchOptions } from './dispatch.ts'
export { findBindings, type Target } from './find-binding.ts'
export { DispatchKeeper } from './keeper.ts'
export { type JoinOptions, joinLabel, type LabelMember } from './label-member.ts'
export { DispatchPart } from './part.ts'
export type { GenerationChoice } from './plan-generation.ts'
export { FLOWS, type FlowPolicy, MISSING, type MissingPolicy, type Policy, SPREADS, type Spread } from './policy.ts'
export { formatPorts, type Ports, parsePorts } from './ports.ts'
export type { ProcessSelection } from './process-sockets.ts'
export type { Promotion } from './promote.ts'
export type { OpenSocket } from './register.ts'
export { type RegisterSocketsOptions, registerSockets } from './register-sockets.ts'
export type {
  BindingStatus,
  BindResult,
  DestinationSocket,
  DestinationStatus,
  DispatchStatus,
  GenerationState,
  GenerationStatus,
  PromoteResult,
  QuicCounts,
  RegisterResult,
  SocketStatus,
  SteeredSocket,
} from './types.ts'
export type { DestinationSelection } from './unregister.ts'
