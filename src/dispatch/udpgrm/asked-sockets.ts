import { closeSync } from 'node:fs'
import type { GroupGeneration } from '../../generated/udpgrm.ts'
import { LinuxError } from '../../linux/errors.ts'
import type { Netns } from '../../linux/netns.ts'
import { findSockets, openSocket, takeSockets } from '../../linux/process-sockets.ts'
import type { OpenSocket } from '../register.ts'
import type { UdpgrmMaps } from './maps.ts'

/** A socket that has asked to be in a generation, and is in none yet. */
export interface AskedSocket extends OpenSocket {
  readonly of: GroupGeneration
}

/** Works with descriptors of the sockets that wait to be registered: those of some processes, or of all. */
export async function withAskedSockets<T>(
  netns: Netns,
  maps: UdpgrmMaps,
  pids: ReadonlySet<number> | 'all',
  work: (sockets: readonly AskedSocket[]) => Promise<T>,
): Promise<T> {
  const open = pids === 'all' ? ofAll(netns, maps) : [...pids].flatMap((pid) => ofProcess(pid, maps))
  try {
    return await work(open)
  } finally {
    for (const { fd } of open) closeSync(fd)
  }
}

/** Without a look at the tables of sockets, which take the kernel some milliseconds. */
const ofProcess = (pid: number, maps: UdpgrmMaps): AskedSocket[] =>
  (unlessGone(() => takeSockets(pid, (fd) => waitsFor(maps, fd) !== undefined)) ?? []).map((fd) => {
    return { fd, pid, of: waitsFor(maps, fd)! }
  })

/** None but those that wait stay open. */
function ofAll(netns: Netns, maps: UdpgrmMaps): AskedSocket[] {
  const found = findSockets({ netns, protocol: 'udp' }).filter(({ state }) => state !== 'connected')
  return found.flatMap((socket) => {
    const fd = unlessGone(() => openSocket(socket))
    if (fd === undefined) return []
    const of = waitsFor(maps, fd)
    if (of !== undefined) return [{ fd, pid: socket.pid, of }]
    closeSync(fd)
    return []
  })
}

const waitsFor = ({ asked, registered }: UdpgrmMaps, fd: number): GroupGeneration | undefined =>
  registered.get(fd) === undefined ? asked.get(fd) : undefined

/** Servers end when they want to. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof LinuxError && (error.code === 'PROCESS_GONE' || error.code === 'SOCKET_GONE')) return undefined
    throw error
  }
}
