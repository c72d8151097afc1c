import * as z from 'zod'
import { strict } from '../../entry/schema.ts'
import type { Stamp } from './document.ts'
import { encodeNumbers, name, numbers, version } from './fields.ts'
import { readJson } from './read.ts'

/** What machines say of themselves whenever they talk to each other. */
export interface Said {
  /** The newest table that it has got. */
  readonly has?: Stamp
  /** It decides about tables at the moment. */
  readonly conducts: boolean
  /** The first of the backends that answers it, or itself. */
  readonly hears?: string
}

/** A conductor's word that every machine has a table in force that is not older than this version. */
export interface Settled {
  /** Of the conductor's time in office; only the one who gave it knows what to do with it. */
  readonly reign: string
  readonly version: number
}

/** The rows of a pool that a machine looked at for connections. */
export interface BusyPool {
  /** As {@link poolKey} says. */
  readonly pool: string
  /** Rows in transition whose previous owner is this machine and of which it still has connections, ascending. */
  readonly rows: Uint32Array
}

export interface Load {
  /** Share of the processors in use, 0 to 1. */
  readonly cpu?: number
  /** How full the fullest of its accept queues is, 0 to 1. */
  readonly acceptQueue?: number
  readonly connections?: number
}

/** What a machine tells another about once a second. */
export interface Report extends Said {
  /** Sender's clock, milliseconds since 1970. Of two reports of a machine the one with the higher time is the later one. */
  readonly time: number
  /** The table that its packets are sent by. */
  readonly inForce?: Stamp
  /** The last that it heard, before it looked for connections. */
  readonly settled?: Settled
  /** Only pools that were looked at: one that is not there says nothing about its rows. */
  readonly busy: readonly BusyPool[]
  readonly load?: Load
}

export interface Reply extends Said {
  readonly settled?: Settled
}

/** What an operator wants, wherever he says it. */
export interface Wish {
  readonly kind: 'drain' | 'undrain'
  readonly backend: string
}

export interface ForwardedWish extends Wish {
  /** How many more machines may hand it on. */
  readonly hops: number
}

export interface WishDone {
  /** Who did it, and in which table. */
  readonly conductor: string
  readonly version: number
}

const hex = z.string({ error: '32 hexadecimal digits' }).regex(/^[0-9a-f]{32}$/, '32 hexadecimal digits')
const stamp = strict({ version, conductor: name, digest: hex })
const settled = strict({ reign: z.string({ error: 'a name' }).max(64, 'at most 64 characters'), version })
const count = z.number({ error: 'a number' }).min(0, 'a number from 0')
const flag = z.boolean({ error: 'true or false' })
const load = strict({
  cpu: count.max(1, 'a share up to 1').exactOptional(),
  acceptQueue: count.max(1, 'a share up to 1').exactOptional(),
  connections: count.exactOptional(),
})
const rows = numbers(Uint32Array, 1 << 20).refine(
  (list) => list.every((row, index) => index === 0 || (list[index - 1] ?? 0) < row),
  'rows in ascending order',
)
const said = { has: stamp.exactOptional(), conducts: flag, hears: name.exactOptional() }
const report = strict({
  ...said,
  time: count,
  inForce: stamp.exactOptional(),
  settled: settled.exactOptional(),
  busy: z.array(strict({ pool: hex, rows }), { error: 'a list of pools' }).max(1_023, 'at most 1,023 pools'),
  load: load.exactOptional(),
})
const reply = strict({ ...said, settled: settled.exactOptional() })
const wish = strict({
  kind: z.enum(['drain', 'undrain'], { error: 'drain or undrain' }),
  backend: name,
  hops: count.max(8, 'at most 8 hops'),
})
const wishDone = strict({ conductor: name, version })
const refusal = strict({ message: z.string({ error: 'a text' }) })

export function encodeReport(report: Report): string {
  return JSON.stringify({
    ...report,
    busy: report.busy.map(({ pool, rows }) => ({ pool, rows: encodeNumbers(rows) })),
  })
}

/** Reads what {@link encodeReport} wrote. @throws FleetError FLEET_MESSAGE */
export function decodeReport(text: string): Report {
  return readJson('the report', text, report)
}

/** @throws FleetError FLEET_MESSAGE */
export function decodeReply(text: string): Reply {
  return readJson('the answer', text, reply)
}

/** @throws FleetError FLEET_MESSAGE */
export function decodeWish(text: string): ForwardedWish {
  return readJson('the wish', text, wish)
}

/** @throws FleetError FLEET_MESSAGE */
export function decodeWishDone(text: string): WishDone {
  return readJson('the answer', text, wishDone)
}

/** Why another could not do it, in its own words. @throws FleetError FLEET_MESSAGE */
export function decodeRefusal(text: string): { readonly message: string } {
  return readJson('the answer', text, refusal)
}
