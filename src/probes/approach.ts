import { connect, type Socket } from 'node:net'
import { inNetns, type Netns } from '../linux/netns.ts'
import { type Address, formatAddress } from '../net/address.ts'

/** The own end of a socket; where something is left out the kernel chooses. */
export interface LocalEnd {
  readonly address?: string
  readonly port?: number
}

/** The way of one check to one backend. */
export interface Approach {
  /** Of the service. */
  readonly address: Address
  /** Calls `make` where a socket that it makes reaches the backend. `make` must be synchronous. */
  open<T>(protocol: 'tcp' | 'udp', port: number, make: (local: LocalEnd) => T): T
}

/** Stands for the service's address, for Node asks only for what is no address. */
export const NAME = 'service'

/** Answers at once, so that Node makes a socket in the call that asks for it: later the thread would be in another network namespace. */
export function lookupOf(address: Address) {
  const { family } = address
  const text = formatAddress(address)
  return (name: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
    done(null, name === NAME ? text : name, family)
}

/** A connection of TCP, until the signal. */
export function dial(approach: Approach, port: number, signal: AbortSignal): Promise<Socket> {
  const { address } = approach
  const socket = approach.open('tcp', port, (local) =>
    connect({
      host: NAME,
      port,
      family: address.family,
      lookup: lookupOf(address),
      ...(local.address === undefined ? {} : { localAddress: local.address }),
      ...(local.port === undefined ? {} : { localPort: local.port }),
    }),
  )
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    // Also later, when nobody listens any more.
    socket.on('error', reject)
  })
}

/** The way to an address as any program of a network namespace has it. */
export const plainApproach = (netns: Netns, address: Address): Approach => ({
  address,
  open: (_protocol, _port, make) => inNetns(netns, () => make({})),
})
