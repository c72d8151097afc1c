import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { BackendStatus, Impact, ServiceStatus, Where } from '../../balancer/index.ts'
import type { BindingStatus } from '../../dispatch/index.ts'
import { SeawallError } from '../../entry/errors.ts'
import type {
  ApplyResult,
  CaptureRequest,
  CountersReport,
  Plan,
  ProbeReport,
  RuleStatus,
  Sample,
  SetStatus,
} from '../../firewall/index.ts'
import type { ApplyOptions, Control, DropOptions, SetChange, Status } from '../control.ts'
import { type ErrorBody, reviveError } from './error-body.ts'
import { toHex } from './hex.ts'
import { parseSample } from './sample-line.ts'

type Method = 'GET' | 'POST' | 'DELETE'

/** Asks the agent behind a Unix socket. Errors of the agent are thrown here as what they were there. */
export class ApiClient implements Control {
  readonly #socket: string

  constructor(socket: string) {
    this.#socket = socket
  }

  status(): Promise<Status> {
    return this.#ask('GET', '/v1/status')
  }

  plan(config?: string): Promise<Plan> {
    return this.#ask('POST', '/v1/plan', { config })
  }

  apply(options: ApplyOptions = {}): Promise<ApplyResult> {
    return this.#ask('POST', '/v1/apply', options)
  }

  confirm(): Promise<{ readonly generation: number }> {
    return this.#ask('POST', '/v1/confirm')
  }

  rollback(): Promise<{ readonly generation?: number }> {
    return this.#ask('POST', '/v1/rollback')
  }

  rules(): Promise<readonly RuleStatus[]> {
    return this.#ask('GET', '/v1/rules')
  }

  sets(): Promise<readonly SetStatus[]> {
    return this.#ask('GET', '/v1/sets')
  }

  counters(): Promise<CountersReport> {
    return this.#ask('GET', '/v1/counters')
  }

  addToSet(set: string, prefix: string): Promise<SetChange> {
    return this.#ask('POST', `/v1/sets/${encodeURIComponent(set)}/prefixes`, { prefix })
  }

  deleteFromSet(set: string, prefix: string): Promise<SetChange> {
    return this.#ask('DELETE', `/v1/sets/${encodeURIComponent(set)}/prefixes`, { prefix })
  }

  contains(set: string, addresses: readonly string[]): Promise<readonly boolean[]> {
    return this.#ask('POST', `/v1/sets/${encodeURIComponent(set)}/contains`, { addresses })
  }

  drop(expr: string, options: DropOptions = {}): Promise<RuleStatus> {
    return this.#ask('POST', '/v1/rules', { expr, ...options })
  }

  undo(id: string): Promise<RuleStatus> {
    return this.#ask('DELETE', `/v1/rules/${encodeURIComponent(id)}`)
  }

  capture(request: CaptureRequest): Promise<RuleStatus> {
    return this.#ask('POST', '/v1/captures', request)
  }

  probe(packets: readonly Uint8Array[]): Promise<ProbeReport> {
    return this.#ask('POST', '/v1/probe', { packets: packets.map(toHex) })
  }

  services(): Promise<readonly ServiceStatus[]> {
    return this.#ask('GET', '/v1/services')
  }

  backends(): Promise<readonly BackendStatus[]> {
    return this.#ask('GET', '/v1/backends')
  }

  impact(config?: string): Promise<readonly Impact[]> {
    return this.#ask('POST', '/v1/services/plan', { config })
  }

  drain(backend: string): Promise<BackendStatus> {
    return this.#ask('POST', `/v1/backends/${encodeURIComponent(backend)}/drain`)
  }

  undrain(backend: string): Promise<BackendStatus> {
    return this.#ask('DELETE', `/v1/backends/${encodeURIComponent(backend)}/drain`)
  }

  where(packets: readonly Uint8Array[]): Promise<readonly Where[]> {
    return this.#ask('POST', '/v1/where', { packets: packets.map(toHex) })
  }

  bindings(): Promise<readonly BindingStatus[]> {
    return this.#ask('GET', '/v1/bindings')
  }

  async *samples(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Sample> {
    const { signal } = options
    if (signal?.aborted) return
    const response = await this.#send('GET', '/v1/samples', undefined, signal)
    if (response.statusCode !== 200) throw reviveError(await bodyOf<ErrorBody>(response))
    try {
      for await (const line of createInterface({ input: response })) yield parseSample(line)
    } catch (error) {
      if (!signal?.aborted) throw error
    } finally {
      response.destroy()
    }
  }

  async down(): Promise<void> {
    await this.#ask('POST', '/v1/down')
  }

  /** The Prometheus metrics as text. */
  async metrics(): Promise<string> {
    return textOf(await this.#send('GET', '/metrics'))
  }

  async #ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, body)
    if (response.statusCode === 200) return bodyOf<T>(response)
    throw reviveError(await bodyOf<ErrorBody>(response))
  }

  #send(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socket, method, path, headers, ...(signal ? { signal } : {}) }, resolve)
      sent.once('error', (cause: NodeJS.ErrnoException) => reject(unreachable(this.#socket, cause)))
      sent.end(text)
    })
  }
}

function unreachable(socket: string, cause: NodeJS.ErrnoException): SeawallError {
  if (cause.code === 'EACCES') {
    return new SeawallError('SEAWALL_PERMISSION', `Cannot open "${socket}": permission denied (run as root)`, {
      cause,
    })
  }
  return new SeawallError(
    'SEAWALL_NOT_UP',
    `Cannot ask the agent at "${socket}": ${cause.code ?? cause.message} (start it with seawall up)`,
    { cause },
  )
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += String(chunk)
  return text
}

async function bodyOf<T>(response: IncomingMessage): Promise<T> {
  const text = await textOf(response)
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new Error(`Cannot read the agent's answer: found ${JSON.stringify(text.slice(0, 80))}, wanted JSON`, {
      cause,
    })
  }
}
