import { encode } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { Service, Slot } from '../generated/balancer.ts'
import { addressBytes } from '../net/address.ts'
import type { ServiceKey } from './keys.ts'

/** Most slots that a key may stand behind the one of its hash, as `PROBES` of bpf/include/services.h. */
const PROBES = 8
const SMALLEST = 16
const LARGEST = 65_536

const MULTIPLIER = 0x9e3779b97f4a7c15n
const MASK64 = (1n << 64n) - 1n

/** Where bpf/include/services.h has port, protocol and prefix length of a slot, and the kind. */
const TAIL = 16
const KIND = 20

const PROTOCOLS = { tcp: 6, udp: 17 } as const

const KINDS = {
  ports: { 4: Slot.Ports4, 6: Slot.Ports6 },
  portless: { 4: Slot.Portless4, 6: Slot.Portless6 },
} as const

export interface Slots {
  /** All slots, as the map `services` has them. */
  readonly bytes: Uint8Array
  /** Their number, a power of two. */
  readonly size: number
}

/** Where the services of a generation count, and where their tables are. */
export interface ServicePlaces {
  /** Number of the service. */
  index(id: string): number
  /** First row of its table. */
  firstRow(id: string): number
}

/** The slot of a key. */
export function slotOf({ kind, prefix, protocol, port, service }: ServiceKey, places: ServicePlaces): Uint8Array {
  const address = new Uint8Array(16)
  address.set(addressBytes(prefix))
  return encode(Service, {
    address,
    port,
    protocol: PROTOCOLS[protocol],
    length: prefix.length,
    kind: KINDS[kind][prefix.family],
    gue: service.encapsulation === 'gue',
    quic: service.quic,
    fragments: service.fragments,
    index: places.index(service.id),
    pool: places.firstRow(service.id),
  })
}

/**
 * Lays slots out as an open-addressing hash table, as small as keeps every key within the reach of a look-up.
 *
 * @throws SeawallError SEAWALL_FULL
 */
export function layOut(slots: readonly Uint8Array[]): Slots {
  for (let size = SMALLEST; size <= LARGEST; size *= 2) {
    if (size < slots.length * 2) continue
    const bytes = tryLayOut(slots, size)
    if (bytes !== undefined) return { bytes, size }
  }
  throw new SeawallError(
    'SEAWALL_FULL',
    `Cannot lay out ${slots.length} keys of services (use prefixes or "all" ports instead of single ones)`,
  )
}

function tryLayOut(slots: readonly Uint8Array[], size: number): Uint8Array | undefined {
  const bytes = new Uint8Array(size * Service.size)
  const taken = new Set<number>()
  for (const slot of slots) {
    const first = firstPlace(slot, size)
    let probe = 0
    while (probe < PROBES && taken.has((first + probe) & (size - 1))) probe++
    if (probe === PROBES) return undefined
    const place = (first + probe) & (size - 1)
    taken.add(place)
    bytes.set(slot, place * Service.size)
  }
  return bytes
}

/** The place that the hash of a key names, as service_slot() of bpf/include/services.h. */
function firstPlace(slot: Uint8Array, size: number): number {
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength)
  const kind = view.getUint8(KIND)
  const isIpv6 = kind === Slot.Ports6 || kind === Slot.Portless6
  const word = isIpv6 ? foldIpv6(view) : BigInt(view.getUint32(0, true))
  const product = ((word | (BigInt(view.getUint32(TAIL, true)) << 32n)) * MULTIPLIER) & MASK64
  return Number((product >> 32n) ^ (product >> 48n)) & (size - 1)
}

function foldIpv6(view: DataView): bigint {
  const first = scramble(view.getBigUint64(0, true))
  return scramble(first ^ view.getBigUint64(8, true)) & 0xffffffffn
}

function scramble(word: bigint): bigint {
  const product = (word * MULTIPLIER) & MASK64
  return product ^ (product >> 32n)
}
