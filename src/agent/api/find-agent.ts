import { statSync } from 'node:fs'
import { ApiClient } from './client.ts'
import { answers } from './unix-socket.ts'

/**
 * A client of the agent that answers on this socket; `undefined` if none does. Whether one answers behind a folder that this
 * user may not enter cannot be known: then the first question to the client fails with SEAWALL_PERMISSION.
 */
export async function findAgent(socket: string): Promise<ApiClient | undefined> {
  try {
    if (statSync(socket, { throwIfNoEntry: false })?.isSocket() !== true) return undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return new ApiClient(socket)
    throw error
  }
  return (await answers(socket)) ? new ApiClient(socket) : undefined
}
