import { type BpfMap, decode, encode, U32 } from '../bpf/index.ts'
import { u32 } from '../entry/u32.ts'
import { Generation } from '../generated/dispatch.ts'
import type { Binding } from './binding.ts'
import {
  type Destination,
  type Directory,
  destinationKey,
  destinationOf,
  PLACES,
  type RegisteredSocket,
  type Share,
} from './directory.ts'
import { forgotten, shareOf } from './generations.ts'
import type { LiveDispatch } from './live.ts'
import { clearGroup, isSteered, openGroup } from './quic-groups.ts'

/** The generation that gets what is new at a destination; undefined if none does. */
export function workingAt(live: LiveDispatch, { number, shares }: Destination): number | undefined {
  const slot = decode(U32, live.lasting('destinations').getRaw(u32(number))!)
  return shares.find((share) => share.slot === slot)?.generation
}

/** Has a generation get what is new at a destination; without one nobody does. */
export function setWorking(live: LiveDispatch, destination: Destination, generation?: number): void {
  const slot = generation === undefined ? 0 : shareOf(destination, generation)!.slot
  live.lasting('destinations').setRaw(u32(destination.number), u32(slot))
}

/** Where a socket is in the map `sockets`. */
export const socketSlot = (slot: number, place: number): Uint8Array => u32(slot * PLACES + place)

/** The cookie of the socket that has a place, as text; undefined if none is open there. */
export function cookieAt(sockets: BpfMap, slot: number, place: number): string | undefined {
  const value = sockets.getRaw(socketSlot(slot, place))
  return value === undefined ? undefined : `${new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)}`
}

/** Has the program look at as many places of a share as have sockets. */
export function openPlaces(live: LiveDispatch, destination: Destination, { generation, slot, sockets }: Share): void {
  const places = Math.max(0, ...sockets.map(({ place }) => place + 1))
  writeGeneration(live, slot, { number: generation, destination: destination.number, places })
}

/** Makes numbers and slots that were given anew nobody's: no sockets, nothing counted. */
export function clearNew(live: LiveDispatch, before: Directory, after: Directory): void {
  const numbers = new Set(before.destinations.map(({ number }) => number))
  const slots = new Set(slotsOf(before))
  for (const slot of slotsOf(after)) if (!slots.has(slot)) takeSockets(live, slot)
  for (const { number } of after.destinations) if (!numbers.has(number)) clearDestination(live, number)
}

const slotsOf = ({ destinations }: Directory): number[] =>
  destinations.flatMap(({ shares }) => shares.map(({ slot }) => slot))

function clearDestination(live: LiveDispatch, number: number): void {
  const counts = live.lasting('destination_counts')
  live.lasting('destinations').setRaw(u32(number), u32(0))
  counts.setRaw(u32(number), new Uint8Array(counts.rawSize))
  clearGroup(live, number)
}

/** Takes all sockets away, also those that a writer which died did not come to write down. Returns their cookies. */
export function takeSockets(live: LiveDispatch, slot: number): string[] {
  const sockets = live.lasting('sockets')
  writeGeneration(live, slot, { number: 0, destination: 0, places: 0 })
  const places = Array.from({ length: PLACES }, (_, place) => place)
  return places.flatMap((place) => {
    const cookie = cookieAt(sockets, slot, place)
    if (cookie === undefined) return []
    sockets.deleteRaw(socketSlot(slot, place))
    return [cookie]
  })
}

function writeGeneration(live: LiveDispatch, slot: number, generation: Generation): void {
  live.lasting('generations').setRaw(u32(slot), encode(Generation, generation))
}

/** Sockets that were registered and are open still. */
export function openSockets(live: LiveDispatch, { slot, sockets }: Share): readonly RegisteredSocket[] {
  const map = live.lasting('sockets')
  return sockets.filter(({ place, cookie }) => cookieAt(map, slot, place) === cookie)
}

/**
 * Without what is known of sockets that are closed, generations that have none, and destinations that no binding names either. Whoever
 * writes it down releases slots by that: nobody looks at them any more.
 */
export function pruned(live: LiveDispatch, directory: Directory, bindings: readonly Binding[]): Directory {
  const named = new Set(bindings.map((binding) => destinationKey(destinationOf(binding))))
  const destinations = directory.destinations
    .map((one) => withoutClosed(live, one))
    .filter((one) => one.shares.length > 0 || named.has(destinationKey(one)))
  return forgotten({ ...directory, destinations })
}

function withoutClosed(live: LiveDispatch, destination: Destination): Destination {
  const working = workingAt(live, destination)
  const shares = destination.shares
    .map((share) => ({ ...share, sockets: openSockets(live, share) }))
    .filter(({ sockets }) => sockets.length > 0)
  if (working !== undefined && !shares.some(({ generation }) => generation === working)) setWorking(live, destination)
  const open = { ...destination, shares }
  if (isSteered(live, destination)) openGroup(live, open)
  return open
}
