import type { Netns } from '../../../src/linux/netns.ts'
import type { Request } from '../clients.ts'
import { runCurl } from '../curl.ts'
import { CLIENTS4, CLIENTS6, webUrl } from './places.ts'

/** A request of a client of the web. */
export interface WebRequest extends Request {
  /** Address and port that were asked. */
  readonly place: string
  /** Number of the run of nginx that answered; empty if none did. */
  readonly run: string
}

/** Programs over each family, and requests a second of each. */
const CLIENTS = { 4: 4, 6: 2 } as const
const RATE = 100

/** A program ends after so many seconds, and another begins in its place. */
const ROUND_S = 5

/** A header in which nginx says which run it is. */
export const RUN_HEADER = 'X-Run'

/** Several curl that ask for one address and port after the other, each request with a connection of its own. */
export class WebClients {
  readonly #netns: Netns
  readonly #note: (request: WebRequest) => void
  readonly #end = new AbortController()
  readonly #done: Promise<unknown>
  #asked = 0

  constructor(netns: Netns, note: (request: WebRequest) => void) {
    this.#netns = netns
    this.#note = note
    const loops = ([4, 6] as const).flatMap((family) =>
      (family === 4 ? CLIENTS4 : CLIENTS6).slice(0, CLIENTS[family]).map((from) => this.#loop(family, from)),
    )
    this.#done = Promise.all(loops)
    // Reported by stop(), which may be much later.
    this.#done.catch(() => undefined)
  }

  /** Ends them, with what they are just asking for. */
  async stop(): Promise<void> {
    this.#end.abort()
    await this.#done
  }

  async #loop(family: 4 | 6, from: string): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      const urls = Array.from({ length: ROUND_S * RATE }, () => webUrl(family, this.#asked++))
      const options = { netns: this.#netns, from, rate: RATE, seconds: ROUND_S, signal, format: FORMAT, urls }
      await runCurl(options, (line) => this.#note(parseWebRequest(line)))
    }
  }
}

const FORMAT = `%{http_code} %{time_total} %{remote_ip} %{remote_port} %header{${RUN_HEADER}}`

/** A line: `200 0.000312 192.0.2.7 443 3`; what is not known is empty. */
export function parseWebRequest(line: string): WebRequest {
  const [code, seconds, host = '', port = '', run = ''] = line.split(' ')
  const answered = code === '200'
  return { protocol: 'http', answered, latencyMs: Number(seconds) * 1000, place: `${host} ${port}`, run }
}
