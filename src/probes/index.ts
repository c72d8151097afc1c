/** Asking a server whether it serves, in the ways that the configuration names. */
export { type Approach, type LocalEnd, plainApproach } from './approach.ts'
export { attempt, type ProbeResult } from './attempt.ts'
export { ProbeFailure } from './failure.ts'
export { type Probe, probe, type Surroundings } from './probe.ts'
export { type ProbeConfig, readProbe } from './probe-config.ts'
