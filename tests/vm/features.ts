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
} as const satisfies Readonly<Record<string, Feature>>

/** What the table of docs/kernels.md has lines for. */
export const features: Readonly<Record<string, Feature>> = { ...kernelFeatures, ...ofTheSystem }

/** Asks the running kernel for each of them. */
export async function presentFeatures(): Promise<Readonly<Record<string, boolean>>> {
  const found: Record<string, boolean> = {}
  for (const [name, feature] of Object.entries(features)) found[name] = await feature.present()
  return found
}
