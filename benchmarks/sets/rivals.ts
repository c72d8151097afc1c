import { writeFileSync } from 'node:fs'
import { command } from '../../src/linux/command.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'

/** How long others take for the same work, process start included, as their users have it. */
export interface ControlTimes {
  readonly loadMs: number
  /** One element added, and one taken out. */
  readonly updateMs: number[]
}

const LIMIT_MS = 60_000

/** Loads a file of IPv4 addresses into nftables and changes one element, in a namespace of its own. */
export function timeNftables(addresses: readonly string[], folder: string, updates: number): ControlTimes {
  const file = `${folder}/set.nft`
  writeFileSync(file, `table inet bench { set s { type ipv4_addr; elements = { ${addresses.join(',')} }; }; }\n`)
  const change = (verb: string) => ['nft', [verb, 'element', 'inet', 'bench', 's', '{ 0.0.0.1 }']] as const
  return timeControl(
    () => command('nft', ['-f', file], { timeoutMs: LIMIT_MS }),
    change('add'),
    change('delete'),
    updates,
  )
}

/** The same for ipset. */
export function timeIpset(addresses: readonly string[], updates: number): ControlTimes {
  const create = `create s hash:ip hashsize ${2 ** Math.ceil(Math.log2(addresses.length))} maxelem ${addresses.length * 2}`
  const input = `${create}\n${addresses.map((address) => `add s ${address}`).join('\n')}\n`
  const load = () => command('ipset', ['restore'], { input, timeoutMs: LIMIT_MS })
  return timeControl(load, ['ipset', ['add', 's', '0.0.0.1']], ['ipset', ['del', 's', '0.0.0.1']], updates)
}

type Command = readonly [program: string, args: readonly string[]]

function timeControl(load: () => void, add: Command, remove: Command, updates: number): ControlTimes {
  const netns = `seawall-bench-sets-${process.pid}`
  createNetns(netns)
  try {
    return inNetns(netns, () => {
      const loadMs = timed(load)
      const run = ([program, args]: Command) => timed(() => command(program, args, { timeoutMs: LIMIT_MS }))
      const updateMs = Array.from({ length: updates }, () => [run(add), run(remove)]).flat()
      return { loadMs, updateMs }
    })
  } finally {
    removeNetns(netns)
  }
}

/** Milliseconds. */
export function timed(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}
