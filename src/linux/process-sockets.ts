import { closeSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { errnoName } from '../bpf/ffi/errno.ts'
import { openProcess, takeDescriptor } from '../bpf/ffi/process-descriptor.ts'
import { socketDomain, socketProtocol } from '../bpf/ffi/socket.ts'
import { LinuxError } from './errors.ts'
import { type Netns, netnsPath } from './netns.ts'
import { processStart } from './process.ts'
import { readSocketTable, type TableSocket } from './socket-table.ts'

/** A UDP or TCP socket that a process has open. */
export interface ProcessSocket extends TableSocket {
  readonly pid: number
  /** Its number in that process. */
  readonly fd: number
}

/** Which sockets; all that is said must hold. */
export interface SocketSelection {
  /** Of the processes in a network namespace, unless `pid` names one. */
  readonly netns: Netns
  readonly pid?: number
  /** In process `pid`. */
  readonly fd?: number
  /** A service of systemd, with or without `.service`. */
  readonly unit?: string
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
  const { pid, fd, ports: [from, to] = [0, 65_535], protocol } = selection
  const found = new Map<number, ProcessSocket>()
  for (const each of pid === undefined ? processesIn(selection) : [pid]) {
    for (const socket of socketsOf(each, pid !== undefined)) {
      const asked = fd === undefined ? socket.protocol === 'udp' || socket.state === 'listen' : socket.fd === fd
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

/** Where each socket is open, by inode: one process and its descriptor, of several that share it. */
export function socketPlaces(): Map<number, { readonly pid: number; readonly fd: number }> {
  const places = allProcesses().flatMap((pid) =>
    descriptorsOf(pid).map(({ fd, inode }) => [inode, { pid, fd }] as const),
  )
  return new Map(places)
}

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

function socketsOf(pid: number, named: boolean): ProcessSocket[] {
  if (named && processStart(pid) === undefined)
    throw new LinuxError('PROCESS_GONE', `Cannot find process ${pid}: there is none [see ps]`)
  const open = descriptorsOf(pid, named)
  if (open.length === 0) return []
  const table = readSocketTable(pid)
  return open.flatMap(({ fd, inode }) => {
    const socket = table.get(inode)
    return socket === undefined ? [] : [{ pid, fd, ...socket }]
  })
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

function processesIn({ netns, unit }: SocketSelection): number[] {
  const inode = namespaceOf(netnsPath(netns))
  return allProcesses().filter(
    (pid) => namespaceOf(`/proc/${pid}/ns/net`) === inode && (unit === undefined || isInUnit(pid, unit)),
  )
}

/** What identifies a namespace; undefined if there is none, or none that this process may look at. */
function namespaceOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

/** Whether a process is in the control group of a service. */
function isInUnit(pid: number, unit: string): boolean {
  try {
    const parts = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split(/[/\n]/)
    return parts.includes(unit) || parts.includes(`${unit}.service`)
  } catch {
    return false
  }
}
