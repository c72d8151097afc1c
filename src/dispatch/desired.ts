import type { ProcessMatch } from '../linux/process-selection.ts'
import type { Prefix } from '../net/prefix.ts'
import type { Probe } from '../probes/index.ts'
import { type Binding, formatMatch, type Protocol } from './binding.ts'
import type { UdpgrmPlace } from './udpgrm/hooks.ts'

/** Processes whose sockets are a label's, whenever they start. */
export interface DesiredWatch {
  readonly label: string
  readonly process: ProcessMatch
  /** What the sockets are bound to. */
  readonly port: number
  readonly protocols: readonly Protocol[]
}

/** When a new generation is promoted: as soon as its sockets are there, when its server says so (sd_notify), or when a probe succeeds. */
export type Ready = 'listening' | 'notify' | Probe

/** How the runs of a label's server follow each other. */
export interface DesiredSuccession {
  readonly label: string
  readonly ready: Ready
  /** Signal for the processes of a generation that gets nothing new any more. */
  readonly drain?: NodeJS.Signals
  /** Signal for them when its connections and flows have ended. */
  readonly stop?: NodeJS.Signals
  /** Milliseconds after which `stop` comes in any case. */
  readonly limitMs?: number
}

/** What the `dispatch` part of a configuration means. */
export interface DesiredDispatch {
  /** Prefixes that are to be local. */
  readonly announce: readonly Prefix[]
  readonly bindings: readonly Binding[]
  readonly watches: readonly DesiredWatch[]
  readonly successions: readonly DesiredSuccession[]
  /** Where socket options of udpgrm are answered; nowhere if it is absent. */
  readonly udpgrm?: UdpgrmPlace
}

export const nothingDesired: DesiredDispatch = { announce: [], bindings: [], watches: [], successions: [] }

/** A binding in force, and where it came from. */
export interface ActiveBinding extends Binding {
  /** Made by a command, rather than by the configuration. */
  readonly dynamic: boolean
}

/** Names a binding: another label makes it another one, which is counted anew. */
export const bindingKey = (binding: Binding): string => `${formatMatch(binding)} ${binding.label}`
