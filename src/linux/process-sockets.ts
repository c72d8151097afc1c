import { closeSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { errnoName } from '../bpf/ffi/errno.ts'
import { openProcess, takeDescriptor } from '../bpf/ffi/process-descriptor.ts'
import { socketDomain, socketProtocol } from '../bpf/ffi/socket.ts'
import { LinuxError } from './errors.ts'
import { type Netns, netnsPath } from './netns.ts'
import { processStart } from './process.ts'
import { isProcess, type ProcessMatch } from './process-selection.ts'
import { byInode, readServerSockets, readServerSocketsOf, readSocketTable, type TableSocket } from './socket-table.ts'

/** A UDP or TCP socket that a process has open. */
export interface ProcessSocket extends TableSocket {
  readonly pid: number
  /** Its number in that process. */
  readonly fd: number
}

/** Which sockets; all that is said must hold. */
export interface SocketSelection extends ProcessMatch {
  /** Of the processes in a network namespace, unless `pid` names one. */
  readonly netns: Netns
  readonly pid?: number
  /** In process `pid`. */
  readonly fd?: number
  /** Local port, or the first and the last of some. */
  readonly ports?: readonly [from: number, to: number]
  readonly protocol?: 'tcp' | 'udp'
}

/**
 * The UDP sockets and waiting TCP sockets that are selected, each once, whoever else has it open; connected TCP sockets only by `pid` and `fd`.
 *
 * @throws LinuxError PROCESS_GONE if process `pid` is not there, PRIVILEGE_MISSING if this process may not look into it
 */
export function findSockets(selection: SocketSelection): ProcessSocket[] {
  const { fd, ports: [from, to] = [0, 65_535], protocol } = selection
  const found = new Map<number, ProcessSocket>()
  for (const sockets of socketsOf(selection)) {
    for (const socket of sockets) {
      const asked = fd === undefined || socket.fd === fd
      const fits =
        asked && from <= socket.port && socket.port <= to && (protocol ?? socket.protocol) === socket.protocol
      if (fits && !found.has(socket.inode)) found.set(socket.inode, socket)
    }
  }
  return [...found.values()]
}

/**
 * A descriptor of ours for a socket of another process.
 *
 * @throws LinuxError PROCESS_GONE, SOCKET_GONE, PRIVILEGE_MISSING
 */
export function openSocket({ pid, fd, inode }: Pick<ProcessSocket, 'pid' | 'fd' | 'inode'>): number {
  const process = openProcess(pid)
  if (process < 0) throw refused(process, pid, fd)
  try {
    const socket = takeDescriptor(process, fd)
    if (socket < 0) throw refused(socket, pid, fd)
    if (readlinkSync(`/proc/self/fd/${socket}`) === linkOf(inode)) return socket
    closeSync(socket)
    throw refused(-constants.errno.EBADF, pid, fd)
  } finally {
    closeSync(process)
  }
}

/**
 * Descriptors of ours for those sockets of a process that are wanted, by such a descriptor: of any kind, each as often as it is open there.
 *
 * @throws LinuxError PROCESS_GONE, PRIVILEGE_MISSING
 */
export function takeSockets(pid: number, isWanted: (socket: number) => boolean): number[] {
  const process = openProcess(pid)
  if (process < 0) throw refused(process, pid, 0)
  try {
    return descriptorsOf(pid, true).flatMap(({ fd }) => {
      const socket = takeDescriptor(process, fd)
      if (socket < 0) return []
      if (isWanted(socket)) return [socket]
      closeSync(socket)
      return []
    })
  } finally {
    closeSync(process)
  }
}

/** Where each socket is open, by inode: one process and its descriptor, of several that share it. */
export function socketPlaces(): Map<number, { readonly pid: number; readonly fd: number }> {
  const places = allProcesses().flatMap((pid) =>
    descriptorsOf(pid).map(({ fd, inode }) => [inode, { pid, fd }] as const),
  )
  return new Map(places)
}

/** The kernel's numbers of the sockets that processes have open. */
export const socketInodes = (pids: readonly number[]): Set<number> =>
  new Set(pids.flatMap((pid) => descriptorsOf(pid).map(({ inode }) => inode)))

/** Of the TCP connections that a network namespace has now: those of some of its processes, each once, as their local end. */
export function readConnections(netns: Netns): (pids: readonly number[]) => TableSocket[] {
  const namespace = namespaceOf(netnsPath(netns))
  let connections: readonly TableSocket[] | undefined
  return (pids) => {
    const there = pids.filter((pid) => namespaceOf(`/proc/${pid}/ns/net`) === namespace)
    const inodes = socketInodes(there)
    const [first] = there
    if (first === undefined) return []
    connections ??= [...readSocketTable(first).values()].filter(isConnection)
    return connections.filter(({ inode }) => inodes.has(inode))
  }
}

const isConnection = ({ protocol, state }: TableSocket): boolean => protocol === 'tcp' && state !== 'listen'

const [AF_INET, AF_INET6] = [2, 10]
const [TCP, UDP] = [6, 17]

/** Whether a descriptor is a UDP or TCP socket, of IPv4 or IPv6. */
export function isIpSocket(fd: number): boolean {
  const domain = socketDomain(fd)
  const protocol = socketProtocol(fd)
  return (domain === AF_INET || domain === AF_INET6) && (protocol === TCP || protocol === UDP)
}

const linkOf = (inode: number): string => `socket:[${inode}]`

function refused(error: number, pid: number, fd: number): LinuxError {
  const what = `Cannot open socket ${fd} of process ${pid}`
  if (error === -constants.errno.ESRCH) return new LinuxError('PROCESS_GONE', `${what}: the process has ended`)
  if (error === -constants.errno.EBADF)
    return new LinuxError('SOCKET_GONE', `${what}: it is closed [see ss -p, or ls -l /proc/${pid}/fd]`)
  return new LinuxError('PRIVILEGE_MISSING', `${what}: ${errnoName(error)} [run as root, with CAP_SYS_PTRACE]`)
}

/** Of each process that is selected. Connections are looked at only for a descriptor that is named: there may be a million. */
function socketsOf(selection: SocketSelection): ProcessSocket[][] {
  const { netns, pid, fd } = selection
  if (pid !== undefined && processStart(pid) === undefined)
    throw new LinuxError('PROCESS_GONE', `Cannot find process ${pid}: there is none [see ps]`)
  const servers = pid === undefined ? () => readServerSockets(netns) : () => readServerSocketsOf(pid)
  const table = pid === undefined || fd === undefined ? byInode(servers()) : readSocketTable(pid)
  return (pid === undefined ? processesIn(selection) : [pid]).map((each) =>
    descriptorsOf(each, pid !== undefined).flatMap((open) => {
      const socket = table.get(open.inode)
      return socket === undefined ? [] : [{ pid: each, fd: open.fd, ...socket }]
    }),
  )
}

/** Sockets of any kind; none of a process that ends meanwhile, or that this one may not look into unless it was named. */
function descriptorsOf(pid: number, named = false): { readonly fd: number; readonly inode: number }[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((name) => {
      const inode = inodeOf(`${folder}/${name}`)
      return inode === undefined ? [] : [{ fd: Number(name), inode }]
    })
  } catch (cause) {
    if (!named || (cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new LinuxError('PRIVILEGE_MISSING', `Cannot read "${folder}": ${String(cause)} [run as root]`, { cause })
  }
}

function inodeOf(link: string): number | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(link)) ?? []
    return inode === undefined ? undefined : Number(inode)
  } catch {
    return undefined
  }
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function processesIn({ netns, ...match }: SocketSelection): number[] {
  const inode = namespaceOf(netnsPath(netns))
  return allProcesses().filter((pid) => namespaceOf(`/proc/${pid}/ns/net`) === inode && isProcess(pid, match))
}

/** What identifies a namespace; undefined if there is none, or none that this process may look at. */
function namespaceOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}
