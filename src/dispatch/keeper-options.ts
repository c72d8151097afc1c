import type { Paths } from '../entry/paths.ts'

export interface KeeperEvent {
  readonly level: 'info' | 'error'
  readonly event: string
  readonly message: string
}

export interface KeeperOptions {
  readonly paths: Paths
  /** Milliseconds to wait for another writer. */
  readonly waitMs: number
  readonly log: (event: KeeperEvent) => void
}
