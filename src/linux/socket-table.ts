import { closeSync, openSync, readSync } from 'node:fs'
import { inNetns, type Netns } from './netns.ts'
import { readTcpSockets } from './tcp-sockets.ts'

/** A socket as the kernel lists it (`/proc/net/udp`). */
export interface TableSocket {
  readonly protocol: 'tcp' | 'udp'
  /** Local address; `0.0.0.0` or `::` for any. */
  readonly address: string
  readonly port: number
  /** `listen` for TCP that waits for connections; UDP has `open` and, with a peer, `connected`. */
  readonly state: 'listen' | 'connected' | 'open'
  /** The kernel's number of it. */
  readonly inode: number
  /** Connections that wait to be accepted by one that listens; bytes that wait to be read from another. */
  readonly waiting: number
}

const TABLES = [
  ['udp', 'udp'],
  ['udp', 'udp6'],
  ['tcp', 'tcp'],
  ['tcp', 'tcp6'],
] as const

/** All UDP and TCP sockets of the network namespace of a process, by inode. Empty if the process is gone. */
export const readSocketTable = (pid: number): Map<number, TableSocket> => byInode(readTables(`/proc/${pid}/net`, true))

/** Those that are no connections: TCP sockets that wait for some, and all UDP sockets. None if the process is gone. */
export const readServerSocketsOf = (pid: number): TableSocket[] => readTables(`/proc/${pid}/net`, false)

/** The same, of a network namespace. The table of TCP is not asked, as the kernel goes through all connections for it: some 10 ms, if there are none. */
export function readServerSockets(netns: Netns): TableSocket[] {
  return inNetns(netns, () => {
    const folder = '/proc/thread-self/net'
    const listening = readTcpSockets('listen')
    if (listening === undefined) return readTables(folder, false)
    const tcp = listening.map(({ peer: _, peerPort: __, ...socket }) => {
      return { protocol: 'tcp', state: 'listen', ...socket } as const
    })
    return [...readTables(folder, false, ['udp']), ...tcp]
  })
}

export const byInode = (sockets: readonly TableSocket[]): Map<number, TableSocket> =>
  new Map(sockets.map((socket) => [socket.inode, socket]))

function readTables(folder: string, withConnections: boolean, protocols = ['udp', 'tcp']): TableSocket[] {
  return TABLES.flatMap(([protocol, file]) => {
    if (!protocols.includes(protocol)) return []
    const found: TableSocket[] = []
    for (const line of linesOf(`${folder}/${file}`)) {
      const socket = parseTableLine(protocol, line)
      // The kernel lists those that listen first, and connections may be a million.
      if (protocol === 'tcp' && !withConnections && socket?.state !== 'listen') break
      if (socket !== undefined) found.push(socket)
    }
    return found
  })
}

/** Lines of a file as they are asked for, but for the first; none if there is no such file. */
function* linesOf(path: string): Generator<string, void> {
  const fd = tryOpen(path)
  if (fd === undefined) return
  try {
    const buffer = Buffer.alloc(16_384)
    let rest = ''
    let isFirst = true
    for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer)) {
      const lines = (rest + buffer.toString('latin1', 0, size)).split('\n')
      rest = lines.pop()!
      if (isFirst) lines.shift()
      isFirst = false
      yield* lines
    }
  } finally {
    closeSync(fd)
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}

/** `TCP_ESTABLISHED` and `TCP_LISTEN` of net/tcp_states.h, as hexadecimal numbers. */
const STATES: Readonly<Record<string, TableSocket['state']>> = { '01': 'connected', '0A': 'listen' }

/** A line of `/proc/net/udp`: `4: 0100007F:0035 00000000:0000 07 … 0 0 12345 2 …`. */
export function parseTableLine(protocol: 'tcp' | 'udp', line: string): TableSocket | undefined {
  const parts = line.trim().split(/\s+/)
  const [address, port] = (parts[1] ?? '').split(':')
  const inode = Number(parts[9])
  if (address === undefined || port === undefined || !(inode > 0)) return undefined
  return {
    protocol,
    address: addressOf(address),
    port: Number.parseInt(port, 16),
    state: STATES[parts[3]!] ?? 'open',
    inode,
    waiting: Number.parseInt(parts[4]!.split(':')[1] ?? '0', 16),
  }
}

/** Words of 32 bits in the order of the machine, little-endian here. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}
