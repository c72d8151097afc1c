import { CLIENT_ADDRESSES } from '../../point-of-presence.ts'
import type { Target } from '../../talk/messages.ts'

/** What nginx has: all ports of all addresses. */
export const WEB4 = '192.0.2.0/24'
export const WEB6 = '2001:db8:53::/48'

/** What the game has. */
export const GAME4 = '198.51.100.0/24'
export const GAME6 = '2001:db8:60::/48'
export const GAME_PORT = 7777

/** Addresses that the players of the game call. */
const CALLED = 200

/** Of the clients: each number has another one, but for the first ones again after some. */
const clients = (prefix: string): string[] =>
  Array.from({ length: CLIENT_ADDRESSES }, (_, index) => `${prefix}${10 + index}`)

export const CLIENTS4 = clients('203.0.113.')
export const CLIENTS6 = clients('2001:db8:c::')

/** Where players go, over IPv4 and IPv6 in turn. */
export const gameTargets: readonly Target[] = Array.from({ length: CALLED }, (_, index) => [
  { host: `198.51.100.${1 + index}`, port: GAME_PORT, addresses: CLIENTS4 },
  { host: `2001:db8:60:${(1 + index).toString(16)}::1`, port: GAME_PORT, addresses: CLIENTS6 },
]).flat()

/** The number-th address and port of the web's prefix that is asked for: always others. */
export function webUrl(family: 4 | 6, number: number): string {
  const port = 1 + ((number * 7_919) % 65_535)
  const host =
    family === 4 ? `192.0.2.${(number * 97) % 256}` : `[2001:db8:53:${((number * 193) % 65_536).toString(16)}::1]`
  return `http://${host}:${port}/`
}
