import { closeSync, openSync, readFileSync } from 'node:fs'
import { type BpfMap, type Link, load } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { connections } from '../generated/connections.ts'
import type { PrefixLengths } from '../rules/ast.ts'
import { keyMasks } from '../rules/connections/index.ts'

/**
 * Counts the TCP connections that peers open to this machine into a map, from now on and as long as the link is open or pinned. It
 * hears of them at the root of the control groups, so in all network namespaces.
 *
 * @throws SeawallError SEAWALL_NO_BPF
 */
export async function countConnections(cells: BpfMap, lengths: PrefixLengths, secret: bigint): Promise<Link> {
  const root = openSync(cgroupRoot(readFileSync('/proc/mounts', 'utf8')), 'r')
  try {
    const config = { ...keyMasks(lengths), secret: BigInt.asUintN(64, secret) }
    using loaded = await load(connections, { config, reuse: { cells } })
    return loaded.programs.connections.attachCgroup(root, 'cgroup_sock_ops')
  } finally {
    closeSync(root)
  }
}

/** The first of the mounts in /proc/mounts that is of control groups of version 2; spaces are `\040` there. */
export function cgroupRoot(mounts: string): string {
  const [, root] = /^\S+ (\S+) cgroup2 /m.exec(mounts) ?? []
  if (root !== undefined)
    return root.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  throw new SeawallError(
    'SEAWALL_NO_BPF',
    'Cannot count connections: there is no cgroup2 file system (mount -t cgroup2 none /sys/fs/cgroup)',
  )
}
