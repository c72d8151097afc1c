import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, type Link, load } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { connections } from '../generated/connections.ts'
import { inNetns, type Netns } from '../linux/netns.ts'
import type { PrefixLengths } from '../rules/ast.ts'
import { keyMasks } from '../rules/connections/index.ts'

/**
 * Counts the TCP connections that peers open to this machine into a map, from now on and as long as the link is open or pinned. It
 * hears of them at the root of the control groups, so in all network namespaces; those that are older count if they are in `netns`, from
 * Linux 6.12 on.
 *
 * @throws SeawallError SEAWALL_NO_BPF
 */
export async function countConnections(
  netns: Netns,
  cells: BpfMap,
  lengths: PrefixLengths,
  secret: bigint,
): Promise<Link> {
  const root = openSync(cgroupRoot(readFileSync('/proc/mounts', 'utf8')), 'r')
  try {
    const config = { ...keyMasks(lengths), secret: BigInt.asUintN(64, secret) }
    using loaded = await load(connections, { config, reuse: { cells } })
    const { programs } = loaded
    const link = programs.connections.attachCgroup(root, 'cgroup_sock_ops')
    try {
      // Not before: a connection that is opened in between would not count.
      inNetns(netns, () => programs.older.iterate())
      return link
    } catch (error) {
      link.close()
      throw error
    }
  } finally {
    closeSync(root)
  }
}

const isControlGroup = (path: string): boolean => existsSync(join(path, 'cgroup.procs'))

/** The first of the mounts in /proc/mounts that is of control groups of version 2, and not hidden by another; spaces are `\040` there. */
export function cgroupRoot(mounts: string, isThere = isControlGroup): string {
  const octal = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 8))
  const paths = [...mounts.matchAll(/^\S+ (\S+) cgroup2 /gm)].map(([, path]) => path!.replaceAll(/\\(\d{3})/g, octal))
  const root = paths.find(isThere)
  if (root !== undefined) return root
  throw new SeawallError(
    'SEAWALL_NO_BPF',
    'Cannot count connections: there is no cgroup2 file system (mount -t cgroup2 none /sys/fs/cgroup)',
  )
}
