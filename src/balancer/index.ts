/** The balancer: its configuration, its state in the kernel and everything that changes it. */

export { type ConnectionIdOptions, quicConnectionId, serverIdIn } from '../entry/quic.ts'
export type { BackendConfig } from './backend-config.ts'
export { Balancer, type BalancerOptions } from './balancer.ts'
export type { CheckConfig } from './check-config.ts'
export { type BalancerConfig, balancerSchema } from './config.ts'
export type {
  DesiredBackend,
  DesiredBalancer,
  DesiredCheck,
  DesiredService,
  Encapsulation,
  Protocol,
} from './desired.ts'
export { fetchSeed } from './fetch-seed.ts'
export type { FleetConfig } from './fleet-config.ts'
export { type BackendHealth, type Dead, HealthChecks, type HealthOptions } from './health/health-checks.ts'
export type { Health, HealthRecord } from './health/record.ts'
export { Keeper } from './keeper.ts'
export { BalancerPart } from './part.ts'
export type { ServiceConfig } from './service-config.ts'
export type {
  BackendState,
  BackendStatus,
  BalancerStatus,
  FlowCount,
  Impact,
  ServiceStatus,
  Share,
  Where,
} from './types.ts'
