import { type Address, addressBytes } from '../net/address.ts'
import { SipHash } from '../net/siphash.ts'

/** What packets of one connection have in common, as the client sends them. */
export interface Flow {
  readonly source: Address
  readonly destination: Address
  readonly sourcePort: number
  readonly destinationPort: number
  /** Of IP, such as 6 for TCP. */
  readonly protocol: number
}

/** Says in which bucket flows are: SipHash-1-3 of their tuples, as hash_flow() of bpf/include/flow.h. */
export class FlowHash {
  readonly #hash: SipHash

  /** @param key 16 bytes. */
  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key)
  }

  /** @param buckets a power of two, at most 2^32. */
  bucketOf(flow: Flow, buckets: number): number {
    return this.bucketOfTuple(tupleOf(flow), buckets)
  }

  /** @param tuple as {@link tupleOf} makes them: for many flows, of which nothing else is known. */
  bucketOfTuple(tuple: Uint8Array, buckets: number): number {
    return (this.#hash.hash(tuple).low & (buckets - 1)) >>> 0
  }
}

/** Source, destination, both ports (network byte order, the source's first) and protocol: 13 bytes of IPv4, 37 of IPv6. */
export function tupleOf({ source, destination, sourcePort, destinationPort, protocol }: Flow): Uint8Array {
  const [from, to] = [addressBytes(source), addressBytes(destination)]
  const tuple = new Uint8Array(from.length + to.length + 5)
  tuple.set(from)
  tuple.set(to, from.length)
  const ports = [sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255]
  tuple.set([...ports, protocol], from.length + to.length)
  return tuple
}
