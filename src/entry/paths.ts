import type { Netns } from '../linux/netns.ts'

/** Where Seawall keeps itself. Tests give their own. */
export interface Paths {
  /** Folder on a BPF file system that holds all pinned state. */
  readonly bpf: string
  /** Folder for the lock and the socket. */
  readonly run: string
  /** Network namespace of the interfaces; null is the present one. */
  readonly netns: Netns
}

export const defaultPaths: Paths = { bpf: '/sys/fs/bpf/seawall', run: '/run/seawall', netns: null }
