import { SeawallError } from '../entry/errors.ts'
import { type FlowPolicy, formatIdle, type Policy, SPREADS } from './policy.ts'

/** As in bpf/dispatch.bpf.c, which has spreads in the order of {@link SPREADS}. */
const FLOWS_SHIFT = 2
const IDLE_SHIFT = 4
const IDLE_TIMES = 16
const FLOW_POLICIES: Readonly<Record<FlowPolicy, number>> = {
  none: 0,
  'first-packet': 1,
  quic: 2,
  cookie: 2,
  answer: 3,
}

/** How policies are told to the kernel's side. */
export interface Steering {
  /** The byte `steering` of a choice. */
  of(policy: Policy): number
  /** Nanoseconds after which flows are forgotten: the constant `flow_idle`. */
  readonly idle: readonly bigint[]
  readonly keepsFlows: boolean
}

/** @throws SeawallError SEAWALL_FULL */
export function steer(policies: readonly Policy[]): Steering {
  const keeping = policies.filter(({ flows }) => flows !== 'none')
  const times = [...new Set(keeping.map(({ idle }) => idle))].sort((a, b) => a - b)
  if (times.length > IDLE_TIMES) throw tooMany(times)
  return {
    of: ({ spread, flows, idle }) => {
      const kept = flows === 'none' ? 0 : (FLOW_POLICIES[flows] << FLOWS_SHIFT) | (times.indexOf(idle) << IDLE_SHIFT)
      return kept | SPREADS.indexOf(spread)
    },
    idle: Array.from({ length: IDLE_TIMES }, (_, index) => BigInt(times[index] ?? 0) * 1_000_000n),
    keepsFlows: keeping.length > 0,
  }
}

function tooMany(times: readonly number[]): SeawallError {
  return new SeawallError(
    'SEAWALL_FULL',
    `Cannot keep flows for ${times.length} different times (the last is ${formatIdle(times.at(-1)!)}): wanted at most ${IDLE_TIMES} in all bindings (give some of them the same)`,
  )
}
