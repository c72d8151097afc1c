import type { Socket as DatagramSocket } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import { LinuxError } from './errors.ts'

/** A socket of this process: of `node:dgram` or `node:net`, or by its descriptor. */
export type NodeSocket = DatagramSocket | Server | Socket | number

interface Handle {
  readonly fd?: number
}

/**
 * The descriptor of a socket, which stays Node's. Node has no public way to it.
 *
 * @throws LinuxError SOCKET_GONE if there is none: not bound or listening yet, or closed
 */
export function descriptorOf(socket: NodeSocket): number {
  const fd = typeof socket === 'number' ? socket : handleOf(socket)?.fd
  if (fd !== undefined && fd >= 0) return fd
  throw new LinuxError(
    'SOCKET_GONE',
    'Cannot find the descriptor of a socket: it is closed, or not open yet [bind it, or wait for "listening", first]',
  )
}

/** Servers and TCP sockets have a `_handle`; that of a `node:dgram` socket is deprecated, and what it reads hidden behind a symbol. */
function handleOf(socket: Exclude<NodeSocket, number>): Handle | null | undefined {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  if (state !== undefined) return (socket as unknown as Record<symbol, { handle?: Handle | null }>)[state]?.handle
  return (socket as unknown as { readonly _handle?: Handle | null })._handle
}
