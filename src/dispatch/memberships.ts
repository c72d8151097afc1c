import { decode, encode } from '../bpf/index.ts'
import { Memberships } from '../generated/dispatch.ts'
import type { Destination } from './directory.ts'
import { shareOf } from './generations.ts'
import type { LiveDispatch } from './live.ts'

const NONE = { number: 0, destination: 0, generation: 0, place: 0, zero: 0 } as const

/** Notes at a socket of UDP, by its descriptor here, where it is registered. */
export function noteMembership(
  live: LiveDispatch,
  destination: Destination,
  generation: number,
  { fd, place }: { readonly fd: number; readonly place: number },
): void {
  const map = live.lasting('memberships')
  const key = keyOf(fd)
  const before = map.getRaw(key)
  const known = before === undefined ? { ipv4: NONE, ipv6: NONE } : decode(Memberships, before)
  const { slot } = shareOf(destination, generation)!
  const own = { number: generation, destination: destination.number, generation: slot, place, zero: 0 }
  map.setRaw(key, encode(Memberships, { ...known, [destination.family === 4 ? 'ipv4' : 'ipv6']: own }))
}

const keyOf = (fd: number): Uint8Array => new Uint8Array(Int32Array.of(fd).buffer)
