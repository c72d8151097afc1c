import { Agent, type IncomingMessage, request } from 'node:http'
import { decodeDocument, type TableDocument } from './document.ts'
import { FleetError } from './errors.ts'
import {
  decodeRefusal,
  decodeReply,
  decodeWishDone,
  encodeReport,
  type ForwardedWish,
  type Reply,
  type Report,
  type WishDone,
} from './messages.ts'
import { MAX_ANSWER, pack, unpack } from './pack.ts'
import { shorten } from './read.ts'
import { readBody } from './receive.ts'
import { digestOf, type Envelope, newNonce, Signer } from './sign.ts'

/** Another machine of the fleet, and where it listens. */
export interface PeerAddress {
  readonly name: string
  /** IPv4 or IPv6. */
  readonly host: string
  readonly port: number
}

export interface FleetClientOptions {
  /** Name of this machine. */
  readonly self: string
  /** `balancer.key`, 16 bytes. */
  readonly key: Uint8Array
  /** Milliseconds until an answer must have begun, and then from one part of it to the next. */
  readonly timeoutMs?: number
}

type Method = 'GET' | 'POST'

/** Longest answer, in timeouts: a large table takes several, one that trickles is given up. */
const MAX_TIMEOUTS = 10

/**
 * Asks the other machines of the fleet, over connections that stay open. Every method throws FleetError: FLEET_UNREACHABLE,
 * FLEET_REFUSED with what the other says, FLEET_FORGED, or FLEET_MESSAGE.
 */
export class FleetClient {
  readonly #self: string
  readonly #timeoutMs: number
  readonly #signer: Signer
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 1 })

  constructor({ self, key, timeoutMs = 2_000 }: FleetClientOptions) {
    this.#self = self
    this.#timeoutMs = timeoutMs
    this.#signer = new Signer(key)
  }

  /** Sends a report; the answer has the other's table if that is newer. */
  async report(
    peer: PeerAddress,
    report: Report,
    signal?: AbortSignal,
  ): Promise<{ readonly reply: Reply; readonly document?: TableDocument }> {
    const text = (await this.#ask(peer, 'POST', '/fleet/report', encodeReport(report), signal)) ?? ''
    const end = text.indexOf('\n')
    const reply = decodeReply(text.slice(0, end < 0 ? undefined : end))
    const rest = end < 0 ? '' : text.slice(end + 1)
    return rest === '' ? { reply } : { reply, document: decodeDocument(rest) }
  }

  /** The other's table; undefined if it has none. */
  async table(peer: PeerAddress, signal?: AbortSignal): Promise<TableDocument | undefined> {
    const text = await this.#ask(peer, 'GET', '/fleet/table', undefined, signal)
    return text === undefined ? undefined : decodeDocument(text)
  }

  async wish(peer: PeerAddress, wish: ForwardedWish, signal?: AbortSignal): Promise<WishDone> {
    return decodeWishDone((await this.#ask(peer, 'POST', '/fleet/wish', JSON.stringify(wish), signal)) ?? '')
  }

  /** Ends the connections. */
  close(): void {
    this.#agent.destroy()
  }

  async #ask(
    peer: PeerAddress,
    method: Method,
    path: string,
    text: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const body = text === undefined ? Buffer.alloc(0) : await pack(text)
    const asked: Envelope = {
      kind: 'ask',
      from: this.#self,
      to: peer.name,
      time: Date.now(),
      nonce: newNonce(),
      about: `${method} ${path}`,
      length: body.length,
      digest: digestOf(body),
    }
    return await within(MAX_TIMEOUTS * this.#timeoutMs, signal, async (either) => {
      const response = await this.#send(peer, asked, body, either)
      try {
        return await this.#read(peer, asked, response)
      } catch (error) {
        throw error instanceof FleetError ? error : unreachable(peer, error)
      } finally {
        if (!response.complete) response.destroy()
      }
    })
  }

  #send(peer: PeerAddress, asked: Envelope, body: Buffer, signal: AbortSignal): Promise<IncomingMessage> {
    const { host, port } = peer
    const [method = '', path = ''] = asked.about.split(' ')
    const timeoutMs = this.#timeoutMs
    const headers = { authorization: this.#signer.sign(asked), 'content-length': body.length }
    return new Promise((resolve, reject) => {
      const sent = request({ host, port, method, path, headers, agent: this.#agent, signal, timeout: timeoutMs })
      sent.once('response', resolve)
      sent.on('timeout', () => sent.destroy(new Error(`silent for ${timeoutMs} ms`)))
      sent.on('error', (cause) => reject(unreachable(peer, cause)))
      sent.end(body)
    })
  }

  async #read(peer: PeerAddress, asked: Envelope, response: IncomingMessage): Promise<string | undefined> {
    const status = String(response.statusCode)
    if (response.headers.authorization === undefined) throw refused(peer, status, await beginningOf(response))
    const answer = this.#open(peer, asked, status, response.headers.authorization)
    const text = await unpack(await this.#body(peer, response, answer), MAX_ANSWER)
    if (status === '204') return undefined
    if (status !== '200') throw refused(peer, status, decodeRefusal(text).message)
    return text
  }

  #open(peer: PeerAddress, asked: Envelope, status: string, header: string): Envelope {
    try {
      const answer = this.#signer.open(header)
      const { kind, from, to, nonce, about } = answer
      const expected = kind === 'answer' && from === peer.name && to === asked.from && nonce === asked.nonce
      if (expected && about === status) return answer
      throw new Error(`it is ${kind} ${shorten(about)} from "${from}" to "${to}"`)
    } catch (cause) {
      throw forged(peer, cause)
    }
  }

  async #body(peer: PeerAddress, response: IncomingMessage, answer: Envelope): Promise<Buffer> {
    try {
      return await readBody(response, answer, MAX_ANSWER)
    } catch (cause) {
      throw cause instanceof FleetError ? forged(peer, cause) : cause
    }
  }
}

/** Does work that is given up when `signal` says so, or after so many milliseconds. Leaves nothing behind on `signal`. */
async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController()
  const stop = () => either.abort(signal?.reason)
  const timeout = setTimeout(() => either.abort(new Error(`no answer within ${ms} ms`)), ms)
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await work(either.signal)
  } finally {
    clearTimeout(timeout)
    signal?.removeEventListener('abort', stop)
  }
}

/** Some of a text that nobody signed. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1')
    if (text.length > 500) break
  }
  return text
}

const place = ({ name, host, port }: PeerAddress) => `"${name}" at ${host.includes(':') ? `[${host}]` : host}:${port}`

function refused(peer: PeerAddress, status: string, why: string): FleetError {
  const text = why
    .slice(0, 500)
    .replace(/\p{C}+/gu, ' ')
    .trim()
  return new FleetError('FLEET_REFUSED', `Cannot ask ${place(peer)}: it answered ${status}: ${text}`)
}

function forged(peer: PeerAddress, cause: unknown): FleetError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new FleetError('FLEET_FORGED', `Cannot believe the answer of ${place(peer)}: ${why}`, { cause })
}

function unreachable(peer: PeerAddress, cause: unknown): FleetError {
  const { code, message } = cause as NodeJS.ErrnoException
  const why = typeof code === 'string' && /^E/.test(code) ? code : message
  return new FleetError('FLEET_UNREACHABLE', `Cannot ask ${place(peer)}: ${why}`, { cause })
}
