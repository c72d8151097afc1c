import { command } from './command.ts'
import { inNetns, type Netns } from './netns.ts'

/** A socket that waits for connections (TCP) or datagrams (UDP). */
export interface Listener {
  readonly protocol: 'tcp' | 'udp'
  /** Local address without brackets and scope; `*` for any. */
  readonly address: string
  readonly port: number
}

/** All listening sockets of a network namespace. */
export function listListeners(netns: Netns): Listener[] {
  const lines = inNetns(netns, () => command('ss', ['-H', '-l', '-n', '-t', '-u'])).split('\n')
  return lines.flatMap((text) => parseListener(text) ?? [])
}

/** A line of `ss -Hlntu`: `udp UNCONN 0 0 192.0.2.53:53 0.0.0.0:*`. */
export function parseListener(text: string): Listener | undefined {
  const [protocol, , , , local] = text.trim().split(/\s+/)
  const match = /^\[?([^\]%]*)(?:%[^\]:]+)?\]?:(\d+)$/.exec(local ?? '')
  if (match === null || (protocol !== 'tcp' && protocol !== 'udp')) return undefined
  return { protocol, address: match[1]!, port: Number(match[2]) }
}
