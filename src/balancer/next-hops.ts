import type { Paths } from '../entry/paths.ts'
import { Backend } from '../generated/balancer.ts'
import { nextHops } from '../linux/next-hop.ts'
import { formatAddress } from '../net/address.ts'
import { backendSlot } from './backend-slots.ts'
import type { DesiredBackend } from './desired.ts'
import type { LiveBalancer } from './live.ts'

/** Where an element says whether the way is known: `resolved` of `struct backend`. */
const RESOLVED = 17

/** The elements of backends in the map `backends`, by name, with the way to each as the kernel knows it now. */
export function backendSlots(paths: Paths, backends: readonly DesiredBackend[]): ReadonlyMap<string, Uint8Array> {
  const addresses = backends.map(({ address }) => formatAddress(address))
  const hops = nextHops(paths.netns, addresses)
  return new Map(backends.map((backend, index) => [backend.name, backendSlot(backend, hops.get(addresses[index]!))]))
}

/** Looks for the way to each backend again, and writes what has changed. */
export function refreshNextHops(paths: Paths, live: LiveBalancer): void {
  const memory = live.map('backends').mmap()
  for (const [name, slot] of backendSlots(paths, live.desired.backends)) {
    const at = live.manifest.backends[name]! * Backend.size
    if (Buffer.compare(slot, memory.subarray(at, at + Backend.size)) === 0) continue
    // Until all of it is there, packets ask the kernel.
    memory[at + RESOLVED] = 0
    memory.set(slot.subarray(RESOLVED + 1), at + RESOLVED + 1)
    memory.set(slot.subarray(0, RESOLVED), at)
    memory[at + RESOLVED] = slot[RESOLVED]!
  }
}
