import { readDocument, writeDocument } from '../entry/document.ts'
import { SeawallError } from '../entry/errors.ts'
import { dispatch } from '../generated/dispatch.ts'
import type { Binding, Protocol } from './binding.ts'
import { LAYOUT, otherVersion } from './manifest.ts'

/** The sockets of a label are of a protocol and a family each. */
export interface DestinationKey {
  readonly label: string
  readonly protocol: Protocol
  readonly family: 4 | 6
}

/** A socket as it was when it was registered. */
export interface RegisteredSocket {
  /** Of the places that the generation has. */
  readonly place: number
  /** Of the kernel, as text; the socket is open if the map still has it. */
  readonly cookie: string
  readonly address: string
  readonly port: number
  /** Whose it was; absent if that was not told. */
  readonly pid?: number
  /** By which datagrams name it, if its label goes by cookies: 1 to 65535. */
  readonly flowCookie?: number
}

/** What a generation of the label has at a destination. */
export interface Share {
  /** Number of the generation. */
  readonly generation: number
  /** In the map `generations`. */
  readonly slot: number
  readonly sockets: readonly RegisteredSocket[]
}

export interface Destination extends DestinationKey {
  /** In the maps `destinations` and `destination_counts`. */
  readonly number: number
  /** In the order of their generations. */
  readonly shares: readonly Share[]
}

/** A process for good: its id alone is given again. */
export interface ProcessName {
  readonly pid: number
  /** When it was started, clock ticks since boot. */
  readonly start: string
}

/** The sockets of one run of a server. */
export interface Generation {
  /** Counted within the label, from 1 on. */
  readonly number: number
  /** When it was begun, milliseconds since 1970. */
  readonly since: number
  /** Those that registered its sockets. */
  readonly processes: readonly ProcessName[]
  /** How many of the label had begun to work when this one did, the last time; absent if it never has. */
  readonly promoted?: number
  /** When it ceased to work, milliseconds since 1970; absent while it works, or waits. */
  readonly replaced?: number
  /** What its processes have been told since then, for nobody is told twice. */
  readonly told?: readonly Telling[]
}

/** That they get nothing new any more; that they may end. */
export type Telling = 'drain' | 'stop'

export interface Label {
  readonly label: string
  /** Number of the generation that was begun last. */
  readonly last: number
  /** How often generations have begun to work. */
  readonly promotions: number
  readonly generations: readonly Generation[]
}

/** Which destination has which number, and what its generations have. It lasts from set to set, as sockets do. */
export interface Directory {
  /** Given last. Numbers and slots are used again as late as can be, so that nobody still goes by what one was before. */
  readonly last: number
  readonly lastSlot: number
  readonly destinations: readonly Destination[]
  readonly labels: readonly Label[]
}

export const emptyDirectory: Directory = { last: -1, lastSlot: 0, destinations: [], labels: [] }

const { maps } = dispatch

/** Destinations that there can be. */
export const DESTINATIONS = maps.destinations.maxEntries

/** Places of the map `generations`; the first one is nobody's. */
export const SLOTS = maps.generations.maxEntries

/** Sockets that each generation may have at a destination. */
export const PLACES = maps.sockets.maxEntries / SLOTS

const DIRECTORY = 'directory'

export function writeDirectory(folder: string, directory: Directory): void {
  writeDocument(folder, DIRECTORY, { layout: LAYOUT, ...directory })
}

/** @throws SeawallError SEAWALL_STATE_VERSION when another version wrote it */
export function readDirectory(folder: string): Directory {
  const found = readDocument(folder, DIRECTORY) as (Directory & { readonly layout: string }) | undefined
  if (found?.layout !== LAYOUT) throw otherVersion(found?.layout)
  const { layout: _, ...directory } = found
  return directory
}

export const destinationKey = ({ label, protocol, family }: DestinationKey): string => `${protocol}${family} ${label}`

export const destinationOf = ({ label, protocol, prefix }: Binding): DestinationKey => {
  return { label, protocol, family: prefix.family }
}

/**
 * Gives numbers to destinations that have none.
 *
 * @throws SeawallError SEAWALL_FULL
 */
export function enrol(directory: Directory, wanted: readonly DestinationKey[]): Directory {
  const known = new Set(directory.destinations.map(destinationKey))
  const taken = new Set(directory.destinations.map(({ number }) => number))
  const added: Destination[] = []
  let { last } = directory
  for (const { label, protocol, family } of wanted) {
    const key = { label, protocol, family }
    if (known.has(destinationKey(key))) continue
    if (taken.size === DESTINATIONS) throw full(key)
    do last = (last + 1) % DESTINATIONS
    while (taken.has(last))
    known.add(destinationKey(key))
    taken.add(last)
    added.push({ ...key, number: last, shares: [] })
  }
  return added.length === 0 ? directory : { ...directory, last, destinations: [...directory.destinations, ...added] }
}

function full({ label, protocol, family }: DestinationKey): SeawallError {
  return new SeawallError(
    'SEAWALL_FULL',
    `Cannot add label "${label}" for ${protocol} over IPv${family}: there are ${DESTINATIONS} of label, protocol and family, wanted fewer (unbind and unregister those that are not used)`,
  )
}
