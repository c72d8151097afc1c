import { randomInt } from 'node:crypto'
import { decode, typed } from '../../bpf/index.ts'
import { SeawallError } from '../../entry/errors.ts'
import { CookieKey, CookiePlace } from '../../generated/cookies.ts'
import type { Destination, Directory, RegisteredSocket } from '../directory.ts'
import { destinationsOf } from '../generations.ts'
import type { LiveDispatch } from '../live.ts'
import { openCookies } from './cookie-program.ts'

/** One more than the largest cookie; 0 is none. */
const COOKIES = 0x1_0000

/** With the cookie that the socket has, or one that no other of the label has. Both families have the same. */
export function withFlowCookie(directory: Directory, label: string, socket: RegisteredSocket): RegisteredSocket {
  const others = destinationsOf(directory, label).flatMap(({ shares }) => shares.flatMap(({ sockets }) => sockets))
  const own = others.find(({ cookie, flowCookie }) => cookie === socket.cookie && flowCookie !== undefined)
  const taken = new Set(others.map(({ flowCookie }) => flowCookie))
  if (taken.size >= COOKIES - 1) throw full(label)
  let flowCookie = own?.flowCookie
  while (flowCookie === undefined || (own === undefined && taken.has(flowCookie))) flowCookie = randomInt(1, COOKIES)
  return { ...socket, flowCookie }
}

/** Has cookies lead to the sockets of a destination, and to no others. */
export function noteFlowCookies(live: LiveDispatch, { number: destination, shares }: Destination): void {
  const map = openCookies(live)
  try {
    const cookies = typed(map, CookieKey, CookiePlace)
    const known = new Set<number>()
    for (const { generation: number, slot: generation, sockets } of shares)
      for (const { flowCookie: cookie, place } of sockets) {
        if (cookie === undefined) continue
        known.add(cookie)
        cookies.set({ destination, cookie }, { number, generation, place })
      }
    for (const raw of [...map.keys()]) {
      const key = decode(CookieKey, raw)
      if (key.destination === destination && !known.has(key.cookie)) map.deleteRaw(raw)
    }
  } finally {
    map.close()
  }
}

function full(label: string): SeawallError {
  return new SeawallError(
    'SEAWALL_FULL',
    `Cannot register a socket for "${label}": its sockets have all ${COOKIES - 1} cookies that there are, wanted fewer (close some, or seawall unregister ${label})`,
  )
}
