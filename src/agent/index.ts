/** The control plane: brings the kernel's state to what the configuration wants, and keeps it there. */
export { Agent, type AgentEvent, type AgentOptions } from './agent.ts'
export type { ApplyOptions, Control, DropOptions, SetChange, Status } from './control.ts'
export { LocalControl, type LocalControlOptions } from './local-control.ts'
