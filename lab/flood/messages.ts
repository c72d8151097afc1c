import type { Target } from './patterns.ts'

/** What the sender's process is told when it starts, as JSON in its first argument. */
export interface SenderOptions {
  /** The interface, in the sender's namespace, that the flood leaves by. */
  readonly interface: string
  readonly target: Target
  /** Same seed, same packets. */
  readonly seed: number
  /** Names of the patterns to mix; all by default. */
  readonly patterns?: readonly string[]
}

/** Bounds of one run. */
export interface FloodBounds {
  readonly packetsPerSecond: number
  readonly packets: number
  readonly seconds: number
  /** Names of the patterns to mix; all there are by default. */
  readonly patterns?: readonly string[]
}

export type Command = ({ readonly kind: 'run' } & FloodBounds) | { readonly kind: 'pause' } | { readonly kind: 'sent' }

export interface PatternSent {
  readonly name: string
  readonly packets: number
  readonly bytes: number
}

export type Report = { readonly kind: 'ready' } | { readonly kind: 'sent'; readonly patterns: readonly PatternSent[] }
