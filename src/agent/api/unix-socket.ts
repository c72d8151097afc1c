import { lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { SeawallError } from '../../entry/errors.ts'
import { makeFolder } from '../../linux/folder.ts'

/** Longest path of a Unix socket: `sun_path` has 108 bytes with the final zero. */
const MAX_PATH = 107

/**
 * Lets a server listen on a Unix socket that only its owner can open. A socket that a dead process left is replaced; one that
 * answers, and anything that is not a socket, is left alone.
 *
 * @throws SeawallError SEAWALL_LOCKED when somebody answers there, SEAWALL_INPUT when the path cannot be a socket,
 *   SEAWALL_PERMISSION when it cannot be made.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot listen on "${path}": the path has ${Buffer.byteLength(path)} bytes, wanted at most ${MAX_PATH} (choose a shorter one)`,
    )
  }
  makeFolder(dirname(path), 0o755)
  await removeStale(path)
  await listen(server, path)
}

/** True if a process accepts connections on the socket, or if this one may not ask. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const done = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('connect', () => done(true))
    socket.once('error', (cause: NodeJS.ErrnoException) => done(cause.code === 'EACCES'))
  })
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot listen on "${path}": it is not a socket (remove it, or choose another)`,
    )
  }
  if (await answers(path)) {
    throw new SeawallError(
      'SEAWALL_LOCKED',
      `Cannot listen on "${path}": another agent answers there (seawall status shows it)`,
    )
  }
  unlinkSync(path)
}

/** `listen` binds before it returns, so the mask covers exactly that and no other file of this process. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(
        new SeawallError('SEAWALL_PERMISSION', `Cannot listen on "${path}": ${cause.message} (run as root)`, {
          cause,
        }),
      )
    server.once('error', failed)
    const before = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.off('error', failed)
        resolve()
      })
    } finally {
      process.umask(before)
    }
  })
}
