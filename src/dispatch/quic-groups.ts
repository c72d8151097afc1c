import { type BpfMap, decode, encode } from '../bpf/index.ts'
import { u32 } from '../entry/u32.ts'
import { QuicGroup } from '../generated/dispatch.ts'
import type { Binding } from './binding.ts'
import { type Destination, type Directory, destinationKey, destinationOf } from './directory.ts'
import type { LiveDispatch } from './live.ts'
import { isSteering } from './policy.ts'

/** Generations of which sockets lead into a group. */
const ENTRANCES = 12

const NOBODY: readonly number[] = Array.from({ length: ENTRANCES }, () => 0)

/** Destinations that go by connection ids, by their key, and how long flows of each are kept, milliseconds. */
export function quicIdles(bindings: readonly Binding[]): Map<string, number> {
  const idles = new Map<string, number>()
  for (const binding of bindings) {
    if (!isSteering(binding.flows)) continue
    const key = destinationKey(destinationOf(binding))
    idles.set(key, Math.max(binding.idle, idles.get(key) ?? 0))
  }
  return idles
}

/** Notes how long flows of each group are kept. */
export function noteIdles(groups: BpfMap, bindings: readonly Binding[], { destinations }: Directory): void {
  const idles = quicIdles(bindings)
  for (const one of destinations) {
    const idle = idles.get(destinationKey(one))
    if (idle === undefined) continue
    write(groups, one.number, { ...read(groups, one.number), idle: BigInt(idle) * 1_000_000n })
  }
}

/** Whether datagrams of a destination are given to the program of its sockets' group. */
export function isSteered(live: LiveDispatch, { number }: Pick<Destination, 'number'>): boolean {
  return read(live.lasting('quic_groups'), number).entrances[0] !== 0
}

/** Labels that are bound to go by connection ids, but whose sockets were registered before that. */
export function unsteeredLabels(live: LiveDispatch): string[] {
  const keys = quicIdles(live.manifest.bindings)
  const waiting = live.directory.destinations.filter(
    (one) => keys.has(destinationKey(one)) && one.shares.length > 0 && !isSteered(live, one),
  )
  return [...new Set(waiting.map(({ label }) => label))].sort()
}

/** Has the sockets that a destination has lead into their group, whose program then chooses. */
export function openGroup(live: LiveDispatch, { number, shares }: Destination): void {
  const groups = live.lasting('quic_groups')
  const slots = shares.filter(({ sockets }) => sockets.length > 0).map(({ slot }) => slot)
  const entrances = [...slots.reverse(), ...NOBODY].slice(0, ENTRANCES)
  write(groups, number, { ...read(groups, number), entrances })
}

/** Has nobody look for a group, whose program leaves the choice to the kernel from then on. */
export function closeGroup(live: LiveDispatch, destination: Destination): void {
  if (!isSteered(live, destination)) return
  const groups = live.lasting('quic_groups')
  write(groups, destination.number, { ...read(groups, destination.number), entrances: NOBODY })
}

/** Has a number be that of no group, with nothing counted. */
export function clearGroup(live: LiveDispatch, number: number): void {
  const counts = live.lasting('quic_counts')
  live.lasting('quic_groups').setRaw(u32(number), new Uint8Array(QuicGroup.size))
  counts.setRaw(u32(number), new Uint8Array(counts.rawSize))
}

/** The same for all groups, as long as there is a state. */
export function closeGroups(groups: BpfMap): void {
  const empty = new Uint8Array(QuicGroup.size)
  for (let number = 0; number < groups.maxEntries; number++) groups.setRaw(u32(number), empty)
}

function read(groups: BpfMap, number: number): QuicGroup {
  return decode(QuicGroup, groups.getRaw(u32(number))!)
}

function write(groups: BpfMap, number: number, group: QuicGroup): void {
  groups.setRaw(u32(number), encode(QuicGroup, group))
}

/** Maps that programs of groups share with the one that finds sockets. */
export const groupMaps = (live: LiveDispatch) => ({
  sockets: live.lasting('sockets'),
  destinations: live.lasting('destinations'),
  generations: live.lasting('generations'),
  destinationCounts: live.lasting('destination_counts'),
  quicGroups: live.lasting('quic_groups'),
  quicCounts: live.lasting('quic_counts'),
})
