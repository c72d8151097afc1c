import { statSync } from 'node:fs'
import { ApiClient } from './client.ts'
import { answers } from './unix-socket.ts'

/** A client of the agent that answers on this socket; `undefined` if none does. */
export async function findAgent(socket: string): Promise<ApiClient | undefined> {
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket() !== true) return undefined
  return (await answers(socket)) ? new ApiClient(socket) : undefined
}
