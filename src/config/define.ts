import type { BalancerConfig } from '../balancer/config.ts'
import type { DispatchConfig } from '../dispatch/config.ts'
import type { InterfaceConfig } from '../entry/interface-config.ts'
import type { FirewallConfig } from '../firewall/config.ts'

/** The whole configuration, as it is written in `seawall.config.ts`, or in YAML or JSON with the same keys. */
export interface SeawallConfig {
  /** Interfaces that Seawall protects: `['eth0']`, or `[{ name: 'eth0', mode: 'generic' }]`. */
  readonly interfaces: readonly InterfaceConfig[]
  readonly firewall?: FirewallConfig
  /** Spreads the packets of services over servers; off unless it is there. */
  readonly balancer?: BalancerConfig
  /** Gives prefixes and ports to sockets; off unless it is there. */
  readonly dispatch?: DispatchConfig
  /** Where Prometheus can read the counters, for example `{ listen: '127.0.0.1:9435' }`. Nowhere if absent. */
  readonly metrics?: { readonly listen: string }
  /** Unix socket of the local API; `/run/seawall/seawall.sock` if absent. */
  readonly api?: { readonly socket: string }
}

/** Returns the configuration as it is: for its type, and for the editor that completes it. */
export function defineConfig(config: SeawallConfig): SeawallConfig {
  return config
}
