import { createServer, type Server } from 'node:http'
import { createAdaptorServer, getRequestListener } from '@hono/node-server'
import { SeawallError } from '../../entry/errors.ts'
import { METRICS_TYPE, type RouteOptions, routes } from './routes.ts'
import { listenOnSocket } from './unix-socket.ts'

export interface Listening {
  /** Where it listens: the path of the socket, or `http://HOST:PORT/metrics`. */
  readonly address: string
  /** Ends every connection and, for a Unix socket, removes its file. */
  close(): Promise<void>
}

/**
 * Serves the local API on a Unix socket of mode 0600.
 *
 * @throws SeawallError as {@link listenOnSocket} does.
 */
export async function serveApi(path: string, options: RouteOptions): Promise<Listening> {
  const app = routes(options)
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
  await listenOnSocket(server, path)
  return { address: path, close: () => close(server) }
}

/**
 * Serves `/metrics`, and nothing else, on TCP.
 *
 * @param listen `HOST:PORT`, `[HOST]:PORT` or `:PORT`, which is every address.
 * @throws SeawallError SEAWALL_INPUT for an address that cannot be listened on.
 */
export async function serveMetrics(listen: string, metrics: () => Promise<string>): Promise<Listening> {
  const { host, port } = parseListen(listen)
  const server = createAdaptorServer({
    fetch: async (request: Request) => {
      if (new URL(request.url).pathname !== '/metrics') return new Response('see /metrics\n', { status: 404 })
      return new Response(await metrics(), { headers: { 'content-type': METRICS_TYPE } })
    },
  }) as Server
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(new SeawallError('SEAWALL_INPUT', `Cannot serve metrics on "${listen}": ${cause.message}`, { cause }))
    server.once('error', failed)
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  return { address: urlOf(server), close: () => close(server) }
}

/** Splits a listen address. */
export function parseListen(listen: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-f:.%a-z]+)\]|([^[\]:]*)):(\d{1,5})$/i.exec(listen)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot listen on "${listen}": wanted HOST:PORT, for example 127.0.0.1:9753`,
    )
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

function urlOf(server: Server): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return String(bound)
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return `http://${host}:${bound.port}/metrics`
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
