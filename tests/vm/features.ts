import { type KernelFeature, kernelFeatures } from '../../src/bpf/features.ts'
import { command } from '../../src/linux/command.ts'

/** A line of the table. */
export interface Feature extends KernelFeature {
  /** A kernel may be built without it; Debian's are not. */
  readonly optional?: boolean
}

/** Tries a rule of iptables in a network namespace of its own, which is gone with the command. */
function iptables(match: string): Feature['present'] {
  return () => succeeds(`unshare --net sh -c 'ipset create s hash:ip; iptables -w -A INPUT ${match} -j DROP'`)
}

/** Makes tunnels in a network namespace of its own. That of GUE has a module which nothing but its name asks for. */
const tunnels = `modprobe fou; unshare --net sh -ec '
  ip link add name v4 type ipip local 192.0.2.1
  ip link add name v6 type sit local 192.0.2.1
  ip link add name any type ip6tnl local 2001:db8::1 mode any
  ip fou add port 6080 gue
  ip fou add port 6080 gue -6'`

function succeeds(script: string): boolean {
  try {
    command('sh', ['-c', `set -e; ${script}`])
    return true
  } catch {
    return false
  }
}

const ofTheSystem = {
  'iptables-bpf': {
    title: 'iptables: a program decides (-m bpf)',
    minimumKernel: '3.9',
    optional: true,
    present: iptables('-m bpf --bytecode "1,6 0 0 0"'),
  },
  'iptables-set': {
    title: 'iptables: sets of addresses (-m set, ipset)',
    minimumKernel: '2.6.39',
    optional: true,
    present: iptables('-m set --match-set s src'),
  },
  'iptables-hashlimit': {
    title: 'iptables: a limit for each source (-m hashlimit)',
    minimumKernel: '2.6.10',
    optional: true,
    present: iptables('-m hashlimit --hashlimit-above 5/s --hashlimit-name limit'),
  },
  'iptables-connlimit': {
    title: 'iptables: connections of each source (-m connlimit)',
    minimumKernel: '2.6.23',
    optional: true,
    present: iptables('-m connlimit --connlimit-above 5'),
  },
  'kernel-tunnels': {
    title: 'tunnels that take packets out of IP and of GUE (ipip, sit, ip6tnl, fou)',
    minimumKernel: '4.7',
    optional: true,
    present: () => succeeds(tunnels),
  },
} as const satisfies Readonly<Record<string, Feature>>

export type FeatureName = keyof typeof kernelFeatures | keyof typeof ofTheSystem

/** What the table of docs/kernels.md has lines for. */
export const features: Readonly<Record<FeatureName, Feature>> = { ...kernelFeatures, ...ofTheSystem }

/** Asks the running kernel for each of them. */
export async function presentFeatures(): Promise<Readonly<Record<string, boolean>>> {
  const found: Record<string, boolean> = {}
  for (const [name, feature] of Object.entries(features)) found[name] = await feature.present()
  return found
}
