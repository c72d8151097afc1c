import { ip, ipBatch } from '../linux/interface.ts'
import type { Netns } from '../linux/netns.ts'
import { formatPrefix, type Prefix, parsePrefix } from '../net/prefix.ts'

/** Who made a route, so that others' are left alone: the kernel keeps this number with it (`ip route show table local proto 183`). */
const PROTOCOL = '183'

/** What is to be done so that just these prefixes are local. */
export interface RoutePlan {
  readonly add: readonly Prefix[]
  readonly remove: readonly Prefix[]
}

interface RouteJson {
  readonly dst: string
  readonly protocol?: string
}

/** What Seawall has made local. */
export const announced = (netns: Netns): Prefix[] =>
  localRoutes(netns).flatMap(({ own, prefix }) => (own ? [prefix] : []))

/** Prefixes that somebody else has made local stay his. */
export function planRoutes(netns: Netns, wanted: readonly Prefix[]): RoutePlan {
  const there = localRoutes(netns)
  const known = new Set(there.map(({ prefix }) => formatPrefix(prefix)))
  const texts = new Set(wanted.map(formatPrefix))
  return {
    add: wanted.filter((prefix) => !known.has(formatPrefix(prefix))),
    remove: there.filter(({ own, prefix }) => own && !texts.has(formatPrefix(prefix))).map(({ prefix }) => prefix),
  }
}

/** @throws LinuxError COMMAND_FAILED; then none was added */
export function addRoutes(netns: Netns, prefixes: readonly Prefix[]): void {
  try {
    changeRoutes(netns, 'add', prefixes)
  } catch (error) {
    for (const prefix of prefixes) removeQuietly(netns, prefix)
    throw error
  }
}

/** What is gone by now is no mistake. */
export function removeRoutes(netns: Netns, prefixes: readonly Prefix[]): void {
  for (const prefix of prefixes) removeQuietly(netns, prefix)
}

function removeQuietly(netns: Netns, prefix: Prefix): void {
  try {
    changeRoutes(netns, 'del', [prefix])
  } catch {
    // Somebody took it away.
  }
}

function changeRoutes(netns: Netns, verb: 'add' | 'del', prefixes: readonly Prefix[]): void {
  const line = (prefix: Prefix) => `route ${verb} local ${formatPrefix(prefix)} dev lo table local proto ${PROTOCOL}`
  ipBatch(netns, prefixes.map(line))
}

function localRoutes(netns: Netns): { readonly prefix: Prefix; readonly own: boolean }[] {
  return (['-4', '-6'] as const).flatMap((family) => {
    const text = ip(netns, ['-json', family, 'route', 'show', 'table', 'local', 'type', 'local'])
    return (JSON.parse(text === '' ? '[]' : text) as RouteJson[]).map(({ dst, protocol }) => ({
      prefix: readDestination(dst, family),
      own: protocol === PROTOCOL,
    }))
  })
}

/** iproute2 writes hosts without a length, and all addresses as `default`. */
function readDestination(dst: string, family: '-4' | '-6'): Prefix {
  if (dst !== 'default') return parsePrefix(dst)
  return { family: family === '-4' ? 4 : 6, value: 0n, length: 0 }
}
