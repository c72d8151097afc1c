/** The balancer: its configuration, and what it says. */
export type { BackendConfig } from './backend-config.ts'
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
export type { ServiceConfig } from './service-config.ts'
