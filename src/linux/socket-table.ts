import { readFileSync } from 'node:fs'

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
}

const TABLES = [
  ['udp', 'udp'],
  ['udp', 'udp6'],
  ['tcp', 'tcp'],
  ['tcp', 'tcp6'],
] as const

/** All UDP and TCP sockets of the network namespace of a process, by inode. Empty if the process is gone. */
export function readSocketTable(pid: number): Map<number, TableSocket> {
  const sockets = new Map<number, TableSocket>()
  for (const [protocol, file] of TABLES)
    for (const line of linesOf(`/proc/${pid}/net/${file}`)) {
      const socket = parseTableLine(protocol, line)
      if (socket !== undefined) sockets.set(socket.inode, socket)
    }
  return sockets
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1)
  } catch {
    return []
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
