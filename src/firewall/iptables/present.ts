import { readFileSync } from 'node:fs'
import { inNetns, type Netns } from '../../linux/netns.ts'
import { type ChainState, noChain, readChain } from './chain-state.ts'
import { type Family, families, type PerFamily, TABLE } from './family.ts'
import { isOurs } from './ipset.ts'
import type { PinnedPrograms } from './programs.ts'
import type { Tools } from './tools.ts'

/** Everything of Seawall's that is there. */
export interface Present {
  readonly chains: PerFamily<ChainState>
  /** Names of ipsets. */
  readonly sets: readonly string[]
  /** Names of pins. */
  readonly programs: readonly string[]
}

/** @throws IptablesError IPTABLES_FOREIGN, IPTABLES_MISSING */
export async function readPresent(tools: Tools, programs: PinnedPrograms, netns: Netns): Promise<Present> {
  const [[four, six], names] = await Promise.all([
    Promise.all(families.map((family) => readTable(tools, family, netns))),
    tools.listSets(),
  ])
  return { chains: { 4: four!, 6: six! }, sets: names.filter(isOurs), programs: programs.list() }
}

async function readTable(tools: Tools, family: Family, netns: Netns): Promise<ChainState> {
  // The older iptables makes a table, and loads its module, by looking at it.
  if ((await tools.variant()) === 'legacy' && !hasLegacyTable(family, netns)) return noChain
  return readChain(await tools.save(family), tools.name(family, 'save'))
}

function hasLegacyTable(family: Family, netns: Netns): boolean {
  const list = `/proc/thread-self/net/${family === 4 ? 'ip' : 'ip6'}_tables_names`
  try {
    return inNetns(netns, () => readFileSync(list, 'utf8'))
      .split('\n')
      .includes(TABLE)
  } catch (error) {
    // Without the module of the family, there are no tables.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
