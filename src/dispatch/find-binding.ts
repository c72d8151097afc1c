import type { Address } from '../net/address.ts'
import { prefixContains } from '../net/prefix.ts'
import type { Match, Protocol } from './binding.ts'
import { hasPort, isAny, isSingle } from './ports.ts'

/** Where a connection or datagram is going. */
export interface Target {
  readonly protocol: Protocol
  readonly address: Address
  readonly port: number
}

/** What a binding decides about: this is the definition, which the program in the kernel follows. */
export function matches({ protocol, prefix, ports }: Match, target: Target): boolean {
  return protocol === target.protocol && hasPort(ports, target.port) && prefixContains(prefix, target.address)
}

/** Negative if `a` wins over `b` where both match: the longer prefix, then a single port over a range over any. */
export function compareMatches(a: Match, b: Match): number {
  return b.prefix.length - a.prefix.length || breadth(a) - breadth(b)
}

/** All bindings that match, the winner first. */
export function findBindings<B extends Match>(bindings: Iterable<B>, target: Target): B[] {
  const found: B[] = []
  for (const binding of bindings) if (matches(binding, target)) found.push(binding)
  return found.sort(compareMatches)
}

const breadth = ({ ports }: Match): number => (isSingle(ports) ? 0 : isAny(ports) ? 2 : 1)
