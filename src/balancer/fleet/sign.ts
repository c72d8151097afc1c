import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { strict } from '../../entry/schema.ts'
import { FleetError } from './errors.ts'
import { name } from './fields.ts'
import { readJson } from './read.ts'

/** Longest difference between the clocks of two machines, milliseconds. */
export const WINDOW_MS = 30_000

/** Most messages remembered against replay: what 1,000 machines send in a minute, and some. */
const MAX_REMEMBERED = 262_144

/** Longest text of a signed header. */
const MAX_HEADER = 4_096

/** Why a message is refused; counted under these names. */
export const refusals = [
  /** Not HTTP, or a path that is not there. */
  'garbage',
  /** It does not say who signed it. */
  'unsigned',
  /** The signature is not made with the fleet's key. */
  'forged',
  /** It is for another machine, or about something else. */
  'misdirected',
  /** Its sender is no backend. */
  'stranger',
  /** Too old, or from the future. */
  'expired',
  /** It was here before. */
  'replayed',
  /** There is no room to remember it, so that it could be replayed. */
  'crowded',
  'oversized',
  /** The body is not what was signed. */
  'altered',
  /** Signed, but not what the fleet's messages look like. */
  'unreadable',
  /** It did not arrive in time. */
  'slow',
  /** The connection ended in the middle of it. */
  'broken',
] as const

export type Refusal = (typeof refusals)[number]

/** A message that is refused, and counted by why. */
export class RefusedError extends FleetError {
  readonly refusal: Refusal

  constructor(refusal: Refusal, message: string) {
    super('FLEET_REFUSED', message)
    this.name = 'RefusedError'
    this.refusal = refusal
  }
}

/** What is signed of a message, so that it can be judged before its body is read. */
export interface Envelope {
  readonly kind: 'ask' | 'answer'
  readonly from: string
  readonly to: string
  /** Sender's clock, milliseconds since 1970. */
  readonly time: number
  /** 32 hexadecimal digits, never used twice; an answer has that of what was asked. */
  readonly nonce: string
  /** Method and path of what is asked, such as `GET /fleet/table`; the status of an answer. */
  readonly about: string
  /** Bytes of the body as it is sent. */
  readonly length: number
  /** SHA-256 of these bytes, 64 hexadecimal digits. */
  readonly digest: string
}

const envelope = strict({
  kind: z.enum(['ask', 'answer'], { error: 'ask or answer' }),
  from: name,
  to: name,
  time: z.number({ error: 'a time' }),
  nonce: z.string({ error: 'a nonce' }).regex(/^[0-9a-f]{32}$/, '32 hexadecimal digits'),
  about: z.string({ error: 'a text' }).max(64, 'at most 64 characters'),
  length: z.number({ error: 'a length' }).int('a length').min(0, 'a length from 0'),
  digest: z.string({ error: 'a digest' }).regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
})

/** Signs with HMAC-SHA256. The key is derived from that of the hash of flows (HKDF, RFC 5869), so neither tells of the other. */
export class Signer {
  readonly #key: Uint8Array

  /** `key`: `balancer.key`, 16 bytes. */
  constructor(key: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'seawall fleet messages 1', 32))
  }

  /** The value of the `authorization` header: the envelope as base64url of JSON, a dot, and the signature of this text. */
  sign(envelope: Envelope): string {
    const text = Buffer.from(JSON.stringify(envelope)).toString('base64url')
    return `Seawall ${text}.${this.#mac(text).toString('base64url')}`
  }

  /** @throws RefusedError unsigned, forged or unreadable */
  open(header: string | undefined): Envelope {
    if (header === undefined || header.length > MAX_HEADER)
      throw new RefusedError(
        'unsigned',
        `found ${header?.length ?? 'no'} characters of authorization, wanted a signature`,
      )
    const [, text, mac] = /^Seawall ([\w-]+)\.([\w-]{43})$/.exec(header) ?? []
    if (text === undefined || mac === undefined)
      throw new RefusedError('unsigned', 'the authorization is no signature of a fleet')
    if (!timingSafeEqual(Buffer.from(mac, 'base64url'), this.#mac(text)))
      throw new RefusedError('forged', 'it is signed with another key (balancer.key must be the same on all machines)')
    try {
      return readJson('the signature', Buffer.from(text, 'base64url').toString(), envelope)
    } catch (error) {
      throw new RefusedError('unreadable', error instanceof Error ? error.message : String(error))
    }
  }

  #mac(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}

export function newNonce(): string {
  return randomBytes(16).toString('hex')
}

/** SHA-256 of a body, 64 hexadecimal digits. */
export function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/** Remembers messages for as long as their time is good, so that none is taken twice. */
export class Replays {
  readonly #until = new Map<string, number>()
  readonly #limit: number
  #sweepAt = 0

  constructor(limit = MAX_REMEMBERED) {
    this.#limit = limit
  }

  /** Takes a message whose signature is right. `now`: milliseconds since 1970. @throws RefusedError expired, replayed or crowded */
  admit({ nonce, time }: Pick<Envelope, 'nonce' | 'time'>, now: number): void {
    const apart = now - time
    if (Math.abs(apart) > WINDOW_MS)
      throw new RefusedError(
        'expired',
        `it is ${Math.round(apart / 1000)} s old by the clock here, wanted at most ${WINDOW_MS / 1000} s either way (set the clocks)`,
      )
    this.#forget(now)
    if (this.#until.has(nonce)) throw new RefusedError('replayed', 'it was here before')
    if (this.#until.size >= this.#limit)
      throw new RefusedError(
        'crowded',
        `there are ${this.#until.size} messages in a minute, wanted at most ${this.#limit}`,
      )
    this.#until.set(nonce, time + WINDOW_MS)
  }

  #forget(now: number): void {
    if (now < this.#sweepAt && this.#until.size < this.#limit) return
    for (const [nonce, until] of this.#until) if (until < now) this.#until.delete(nonce)
    this.#sweepAt = now + 1_000
  }
}
