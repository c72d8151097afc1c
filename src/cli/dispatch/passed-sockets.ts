import type { OpenSocket } from '../../dispatch/index.ts'
import type { Environment } from '../environment.ts'
import { usageError } from '../exit-codes.ts'

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const FIRST = 3

/**
 * Sockets that systemd, or whatever does as it does, has passed to this process, by label: the one given, or the names that the sockets have.
 *
 * @throws SeawallError SEAWALL_INPUT if there are none
 */
export function passedSockets(
  { env }: Pick<Environment, 'env'>,
  label: string | undefined,
  pid = process.pid,
): Map<string, OpenSocket[]> {
  const count = readCount(env.LISTEN_FDS)
  if (env.LISTEN_PID !== undefined && env.LISTEN_PID !== '' && Number(env.LISTEN_PID) !== pid)
    throw usageError(
      `Cannot take sockets: LISTEN_PID is ${env.LISTEN_PID}, wanted ${pid} (have systemd start seawall register itself, not by a shell)`,
    )
  const names = (env.LISTEN_FDNAMES ?? '').split(':')
  const sockets = new Map<string, OpenSocket[]>()
  for (let index = 0; index < count; index++) {
    const name = label ?? names[index] ?? ''
    if (name === '')
      throw usageError(
        `Cannot register descriptor ${FIRST + index}: it has no name, wanted a label (write seawall register LABEL, or FileDescriptorName= in the socket's unit)`,
      )
    sockets.set(name, [...(sockets.get(name) ?? []), { fd: FIRST + index }])
  }
  return sockets
}

function readCount(text: string | undefined): number {
  const count = /^\d+$/.test(text ?? '') ? Number(text) : 0
  if (count > 0) return count
  throw usageError(
    `Cannot take sockets: LISTEN_FDS is ${text === undefined ? 'not set' : `"${text}"`}, wanted their number (run it by systemd with Sockets=, or systemd-socket-activate; seawall register-pid takes those of a process)`,
  )
}
