import { setTimeout as sleep } from 'node:timers/promises'
import type { Paths } from '../entry/paths.ts'
import { Backend } from '../generated/balancer.ts'
import { askNeighbours, type NextHop, nextHops } from '../linux/next-hop.ts'
import { formatAddress } from '../net/address.ts'
import { backendSlot } from './backend-slots.ts'
import type { DesiredBackend } from './desired.ts'
import type { LiveBalancer } from './live.ts'

/** Where an element says whether the way is known: `resolved` of `struct backend`. */
const RESOLVED = 17

/** How often it is looked for answers of neighbours, half a second in all; a way that is not known then is found by a later round. */
const LOOKS = 10
const LOOK_MS = 50

/** The elements of backends in the map `backends`, by name, with the way to each. Neighbours that the kernel does not know are asked. */
export async function findWays(
  paths: Paths,
  backends: readonly DesiredBackend[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  for (let looks = 0; ; looks++, await sleep(LOOK_MS)) {
    const hops = hopsOf(paths, backends)
    const isKnown = [...hops.values()].every(({ dstMac }) => dstMac !== undefined)
    if (isKnown || looks === LOOKS) return slotsOf(backends, hops)
    askNeighbours(paths.netns, hops.values())
  }
}

/**
 * Looks for the way to each backend again, and writes what has changed. Packets do not ask: the kernel looks for routes only on machines
 * that forward, and never for a neighbour.
 *
 * @returns names of backends to which there is no way now.
 */
export function refreshNextHops(paths: Paths, live: LiveBalancer): string[] {
  const { backends } = live.desired
  const hops = hopsOf(paths, backends)
  askNeighbours(paths.netns, hops.values())
  const memory = live.map('backends').mmap()
  for (const [name, slot] of slotsOf(backends, hops)) {
    const at = live.manifest.backends[name]! * Backend.size
    if (Buffer.compare(slot, memory.subarray(at, at + Backend.size)) === 0) continue
    // Until all of it is there, packets are dropped.
    memory[at + RESOLVED] = 0
    memory.set(slot.subarray(RESOLVED + 1), at + RESOLVED + 1)
    memory.set(slot.subarray(0, RESOLVED), at)
    memory[at + RESOLVED] = slot[RESOLVED]!
  }
  const isLost = (address: string): boolean => hops.get(address)?.dstMac === undefined
  return backends.flatMap(({ name, address }) =>
    name !== live.manifest.self && isLost(formatAddress(address)) ? [name] : [],
  )
}

const hopsOf = (paths: Paths, backends: readonly DesiredBackend[]): ReadonlyMap<string, NextHop> =>
  nextHops(
    paths.netns,
    backends.map(({ address }) => formatAddress(address)),
  )

function slotsOf(
  backends: readonly DesiredBackend[],
  hops: ReadonlyMap<string, NextHop>,
): ReadonlyMap<string, Uint8Array> {
  return new Map(
    backends.map((backend) => [backend.name, backendSlot(backend, hops.get(formatAddress(backend.address)))]),
  )
}
