import type { Netns } from '../linux/netns.ts'
import { readProcessTree } from '../linux/process.ts'
import { readConnections } from '../linux/process-sockets.ts'
import type { TableSocket } from '../linux/socket-table.ts'
import { type Address, parseAddress, unmapped } from '../net/address.ts'
import type { Binding } from './binding.ts'
import type { Generation } from './directory.ts'
import { matches } from './find-binding.ts'

/** The TCP connections of some processes, and of their children. */
export type Connections = (processes: Generation['processes']) => readonly Pick<TableSocket, 'address' | 'port'>[]

/** As they are now, read once for all generations. */
export function readProcessConnections(netns: Netns): Connections {
  const [tree, connections] = [readProcessTree(), readConnections(netns)]
  return (processes) => connections(tree(processes.map(({ pid }) => pid)))
}

/** Those that clients have with a generation: to what the label is bound to, or to the ports of its sockets. */
export function countConnections(
  connections: Connections,
  { processes }: Generation,
  bindings: readonly Binding[],
  ports: ReadonlySet<number>,
): number {
  const known = new Map<string, boolean>()
  let count = 0
  for (const { address, port } of connections(processes)) {
    const key = `${address} ${port}`
    const isClient = known.get(key) ?? (ports.has(port) || isBound(bindings, unmapped(parseAddress(address)), port))
    known.set(key, isClient)
    if (isClient) count++
  }
  return count
}

const isBound = (bindings: readonly Binding[], address: Address, port: number): boolean =>
  bindings.some((binding) => matches(binding, { protocol: 'tcp', address, port }))
