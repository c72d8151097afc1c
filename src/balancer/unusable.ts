import { type Prefix, parsePrefix, prefixContains } from '../net/prefix.ts'

/** Addresses that no packet on the way between machines has, or that mean another machine on each link. */
const unusable: readonly (readonly [Prefix, string])[] = [
  [parsePrefix('0.0.0.0/8'), 'this network'],
  [parsePrefix('127.0.0.0/8'), 'loopback'],
  [parsePrefix('224.0.0.0/4'), 'multicast'],
  [parsePrefix('255.255.255.255/32'), 'broadcast'],
  [parsePrefix('::/128'), 'no address'],
  [parsePrefix('::1/128'), 'loopback'],
  [parsePrefix('::ffff:0.0.0.0/96'), 'IPv4 written as IPv6'],
  [parsePrefix('fe80::/10'), 'link-local'],
  [parsePrefix('ff00::/8'), 'multicast'],
]

/** Why packets cannot be sent to all of a prefix: `it is loopback`; undefined if they can. */
export function whyUnusable(prefix: Prefix): string | undefined {
  const found = unusable.find(([other]) => prefixContains(other, prefix) || prefixContains(prefix, other))
  if (found === undefined) return undefined
  return `${prefix.length >= found[0].length ? 'it is' : 'some of it is'} ${found[1]}`
}
