import { defaultPaths, type Paths } from '../entry/paths.ts'
import { descriptorOf, type NodeSocket } from '../linux/node-sockets.ts'
import { Dispatch } from './dispatch.ts'
import type { RegisterResult } from './types.ts'

/** Milliseconds to wait for another writer, unless told otherwise. */
const WAIT_MS = 1_000

export interface RegisterSocketsOptions {
  /** Where Seawall keeps its state, and the network namespace; as the command line unless they are given. */
  readonly paths?: Partial<Paths>
  /** Milliseconds to wait for another writer. */
  readonly waitMs?: number
}

/**
 * Gives sockets of this process to a label: servers that listen, and UDP sockets that are bound and not connected. They get what the label
 * is bound to until they are closed. Needs root, as everything that changes dispatch does.
 *
 * @throws SeawallError SEAWALL_INPUT, SEAWALL_PERMISSION, SEAWALL_LOCKED; LinuxError SOCKET_GONE for sockets that are not open
 */
export async function registerSockets(
  label: string,
  sockets: NodeSocket | readonly NodeSocket[],
  { paths, waitMs = WAIT_MS }: RegisterSocketsOptions = {},
): Promise<RegisterResult> {
  const dispatch = new Dispatch({ ...defaultPaths, ...paths }, { waitMs })
  const all = isList(sockets) ? sockets : [sockets]
  const open = all.map((socket) => ({ fd: descriptorOf(socket), pid: process.pid }))
  return await dispatch.register(label, open)
}

const isList = (sockets: NodeSocket | readonly NodeSocket[]): sockets is readonly NodeSocket[] => Array.isArray(sockets)
