import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TableDocument } from './document.ts'
import { FleetError } from './errors.ts'
import { decodeReport, decodeWish, type ForwardedWish, type Reply, type Report, type WishDone } from './messages.ts'
import { MAX_ASK, pack, packDocument, unpack } from './pack.ts'
import { readBody } from './receive.ts'
import { digestOf, type Envelope, type Refusal, RefusedError, Replays, refusals, Signer } from './sign.ts'

/** What the server hands on. An error that one of them throws is told to the one who asked. */
export interface FleetHandlers {
  report(from: string, report: Report): { readonly reply: Reply; readonly document?: TableDocument }
  table(): TableDocument | undefined
  wish(from: string, wish: ForwardedWish): Promise<WishDone>
}

export interface FleetServerOptions {
  /** Name of this machine. */
  readonly self: string
  /** Names of those who may ask. */
  readonly members: readonly string[]
  /** `balancer.key`, 16 bytes. */
  readonly key: Uint8Array
  /** Every address if absent. */
  readonly host?: string
  /** 0: any that is free. */
  readonly port: number
  readonly handlers: FleetHandlers
  /** Milliseconds that a question may take to arrive. */
  readonly timeoutMs?: number
}

interface Answer {
  readonly status: number
  readonly body: Buffer
}

/** Idle connections are kept for this long, milliseconds: some rounds of questions. */
const KEEP_ALIVE_MS = 15_000

/** Connections at once: a few for each machine. */
const connectionsFor = (members: number) => 64 + 4 * members

const statusOf: Partial<Record<Refusal, number>> = {
  garbage: 404,
  oversized: 413,
  unreadable: 400,
  altered: 400,
  crowded: 503,
  slow: 408,
}

/** Answers the other machines of the fleet. Nothing is read of a message, but its head, before its signature is known to be right. */
export class FleetServer {
  readonly #options: FleetServerOptions
  readonly #signer: Signer
  readonly #members: ReadonlySet<string>
  readonly #replays = new Replays()
  readonly #server: Server
  readonly #refused = Object.fromEntries(refusals.map((refusal) => [refusal, 0])) as Record<Refusal, number>
  /** Connections that ended by an error which is counted. */
  readonly #ended = new WeakSet<object>()
  #answered = 0

  /** Listens. @throws FleetError FLEET_LISTEN */
  static async listen(options: FleetServerOptions): Promise<FleetServer> {
    const server = new FleetServer(options)
    await server.#listen()
    return server
  }

  private constructor(options: FleetServerOptions) {
    this.#options = options
    this.#signer = new Signer(options.key)
    this.#members = new Set(options.members)
    const requestTimeout = options.timeoutMs ?? 5_000
    this.#server = createServer({
      requestTimeout,
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: Math.min(requestTimeout, 1_000),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: 8_192,
    })
    this.#server.timeout = KEEP_ALIVE_MS
    this.#server.maxConnections = connectionsFor(options.members.length)
    this.#server.on('request', (request, response) => void this.#serve(request, response))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#broken(error, socket as Socket))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Messages that were answered, and those that were refused, by why. */
  get counts(): { readonly answered: number; readonly refused: Readonly<Record<Refusal, number>> } {
    return { answered: this.#answered, refused: { ...this.#refused } }
  }

  /** Ends every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      const failed = (cause: Error) =>
        reject(
          new FleetError('FLEET_LISTEN', `Cannot listen on port ${port} for the fleet: ${cause.message}`, { cause }),
        )
      this.#server.once('error', failed)
      this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        this.#server.off('error', failed)
        resolve()
      })
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => response.destroy())
    response.on('error', () => response.destroy())
    try {
      const envelope = this.#judge(request)
      const text = await unpackAsked(await readBody(request, envelope, MAX_ASK))
      this.#send(response, envelope, await this.#answer(envelope, text))
      this.#answered++
    } catch (error) {
      this.#refuse(request, response, error)
    }
  }

  /** Everything that can be said of a message by its head. */
  #judge(request: IncomingMessage): Envelope {
    const about = `${request.method} ${request.url}`
    if (!routes.includes(about)) throw new RefusedError('garbage', `there is no ${about.slice(0, 80)}`)
    const envelope = this.#signer.open(request.headers.authorization)
    const { self } = this.#options
    if (envelope.kind !== 'ask' || envelope.to !== self || envelope.about !== about)
      throw new RefusedError(
        'misdirected',
        `it is ${envelope.kind} "${envelope.about}" to "${envelope.to}", wanted ask "${about}" to "${self}"`,
      )
    if (!this.#members.has(envelope.from))
      throw new RefusedError('stranger', `"${envelope.from}" is no backend in the configuration of "${self}"`)
    this.#replays.admit(envelope, Date.now())
    return envelope
  }

  async #answer({ from, about }: Envelope, text: string): Promise<Answer> {
    try {
      if (about === 'GET /fleet/table') return await tableAnswer(this.#options.handlers.table())
      if (about === 'POST /fleet/wish') {
        const done = await this.#options.handlers.wish(from, decodeWish(text))
        return { status: 200, body: await pack(JSON.stringify(done)) }
      }
      const { reply, document } = this.#options.handlers.report(from, decodeReport(text))
      const head = await pack(`${JSON.stringify(reply)}\n`)
      return { status: 200, body: document === undefined ? head : Buffer.concat([head, await packDocument(document)]) }
    } catch (error) {
      if (error instanceof FleetError && error.code === 'FLEET_MESSAGE') throw error
      const message = error instanceof Error ? error.message : String(error)
      return { status: 409, body: await pack(JSON.stringify({ message })) }
    }
  }

  #send(response: ServerResponse, asked: Envelope, { status, body }: Answer): void {
    const { from: to, to: from, nonce } = asked
    const digest = digestOf(body)
    const about = String(status)
    const authorization = this.#signer.sign({
      kind: 'answer',
      from,
      to,
      time: Date.now(),
      nonce,
      about,
      length: body.length,
      digest,
    })
    response.writeHead(status, { authorization, 'content-length': body.length }).end(body)
  }

  /** Tells why in plain text, unsigned, and ends the connection: what comes behind on it is of no account. */
  #refuse({ socket }: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (this.#ended.has(socket)) return
    const refusal = error instanceof RefusedError ? error.refusal : isMessageError(error) ? 'unreadable' : 'broken'
    this.#refused[refusal]++
    if (response.headersSent || response.destroyed) return void response.destroy()
    const why = error instanceof Error ? error.message : String(error)
    response
      .writeHead(statusOf[refusal] ?? 401, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
      .end(`${refusal}: ${why}\n`)
  }

  #broken({ code }: NodeJS.ErrnoException, socket: Socket): void {
    if (code !== 'ECONNRESET') this.#refused[code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'slow' : 'garbage']++
    this.#ended.add(socket)
    socket.destroy()
  }
}

const routes = ['POST /fleet/report', 'GET /fleet/table', 'POST /fleet/wish']

function unpackAsked(body: Buffer): Promise<string> {
  return unpack(body, MAX_ASK)
}

async function tableAnswer(document: TableDocument | undefined): Promise<Answer> {
  return document === undefined
    ? { status: 204, body: Buffer.alloc(0) }
    : { status: 200, body: await packDocument(document) }
}

function isMessageError(error: unknown): boolean {
  return error instanceof FleetError && error.code === 'FLEET_MESSAGE'
}
