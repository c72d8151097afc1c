import { closeSync } from 'node:fs'
import { SeawallError } from '../entry/errors.ts'
import type { Netns } from '../linux/netns.ts'
import { findSockets, openSocket, type ProcessSocket } from '../linux/process-sockets.ts'
import { type Address, formatAddress, parseAddress } from '../net/address.ts'
import type { Protocol } from './binding.ts'
import type { OpenSocket } from './register.ts'

/** Sockets of a process; all that is said must hold. */
export interface ProcessSelection {
  readonly pid: number
  readonly protocol?: Protocol
  /** What they are bound to. */
  readonly address?: Address
  readonly port?: number
}

/**
 * Works with descriptors of the listening TCP sockets and unconnected UDP sockets of a process: of a group with SO_REUSEPORT all.
 *
 * @throws SeawallError SEAWALL_INPUT if there is none; LinuxError PROCESS_GONE, SOCKET_GONE, PRIVILEGE_MISSING
 */
export async function withProcessSockets<T>(
  netns: Netns,
  selection: ProcessSelection,
  work: (sockets: readonly OpenSocket[]) => Promise<T>,
): Promise<T> {
  const found = select(netns, selection)
  if (found.length === 0) throw nothingFound(selection)
  return await withSockets(found, work)
}

/** @throws LinuxError PROCESS_GONE, SOCKET_GONE, PRIVILEGE_MISSING */
export async function withSockets<T>(
  found: readonly ProcessSocket[],
  work: (sockets: readonly OpenSocket[]) => Promise<T>,
): Promise<T> {
  const sockets: OpenSocket[] = []
  try {
    for (const socket of found) sockets.push({ fd: openSocket(socket), pid: socket.pid })
    return await work(sockets)
  } finally {
    for (const { fd } of sockets) closeSync(fd)
  }
}

function select(netns: Netns, { pid, protocol, address, port }: ProcessSelection): ProcessSocket[] {
  const found = findSockets({
    netns,
    pid,
    ...(protocol === undefined ? {} : { protocol }),
    ...(port === undefined ? {} : { ports: [port, port] as const }),
  })
  return found.filter((one) => one.state !== 'connected' && (address === undefined || isAt(one, address)))
}

function isAt({ address }: ProcessSocket, { family, value }: Address): boolean {
  const own = parseAddress(address)
  return own.family === family && own.value === value
}

function nothingFound({ pid, protocol, address, port }: ProcessSelection): SeawallError {
  const wanted = [protocol, address && formatAddress(address), port && `port ${port}`].filter(
    (one) => one !== undefined,
  )
  const what = wanted.length === 0 ? '' : ` with ${wanted.join(', ')}`
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot find a socket of process ${pid}${what}: wanted a listening TCP socket or an unconnected UDP socket (see ss -lntup)`,
  )
}
