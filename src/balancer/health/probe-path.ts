import { type Loaded, load } from '../../bpf/index.ts'
import type { Paths } from '../../entry/paths.ts'
import { health, type Passage, type Probe } from '../../generated/health.ts'
import { listInterfaces } from '../../linux/interface.ts'
import { inNetns } from '../../linux/netns.ts'
import { type NextHop, nextHops } from '../../linux/next-hop.ts'
import { attachToIngress } from '../../linux/traffic.ts'
import { addressBytes, formatAddress } from '../../net/address.ts'
import { type Approach, type LocalEnd, ProbeFailure } from '../../probes/index.ts'
import type { DesiredBalancer } from '../desired.ts'
import { type Identity, identify } from '../identity.ts'
import { Cable } from './cable.ts'
import { FIRST_PORT, Ports } from './ports.ts'
import { findSources, type Sources } from './sources.ts'
import { addressIn, type Target } from './target.ts'

/** `AF_INET` and `AF_INET6`. */
const FAMILIES = { 4: 2, 6: 10 } as const
const PROTOCOLS = { tcp: 6, udp: 17 } as const

const ETHERNET_MTU = 1_500
/** The longest headers that are put before a packet: IPv6, UDP and GUE. */
const LONGEST_OUTER = 56

/** Milliseconds for which a port still leads to its backend when a check is over. */
const LINGER_MS = 500

/** Milliseconds for which the way to backends is taken to be the same. */
const HOPS_LAST_MS = 5_000

/**
 * The way of checks to backends: that of all packets for the service, but to one backend that is named. A socket of a check is in a
 * network namespace of its own, and its port tells a program at the end of the cable out of there who is asked. This machine itself is
 * asked without a tunnel, as its own packets are.
 */
export class ProbePath {
  readonly #paths: Paths
  readonly #desired: DesiredBalancer
  readonly #identity: Identity
  readonly #sources: Sources
  readonly #cable: Cable
  readonly #loaded: Loaded<typeof health>
  readonly #gate: Disposable
  readonly #ports = new Ports()
  readonly #leaving = new Set<NodeJS.Timeout>()
  /** Where answers come in, by index. */
  readonly #entries = new Map<number, Disposable>()
  #hops: ReadonlyMap<string, NextHop> = new Map()
  #hopsAt = -Infinity

  /** @throws SeawallError SEAWALL_INTERFACE; LinuxError; BpfError */
  static async open(paths: Paths, desired: DesiredBalancer): Promise<ProbePath> {
    const identity = identify(paths, desired)
    const prefixes = desired.services.map(({ prefix }) => prefix)
    const sources = findSources(paths, identity, prefixes)
    const hops = nextHops(paths.netns, addressesOf(desired))
    const mtu = Math.min(ETHERNET_MTU, ...[...hops.values()].map((hop) => hop.mtu)) - LONGEST_OUTER
    const cable = Cable.lay(paths, { sources, mtu })
    let loaded: Loaded<typeof health> | undefined
    try {
      const { self4, self6 } = identity
      loaded = await load(health, { config: { self4, self6, guePort: desired.guePort, gate: cable.gate.ifindex } })
      return new ProbePath({ paths, desired, identity, sources, cable, loaded })
    } catch (error) {
      loaded?.close()
      cable.close()
      throw error
    }
  }

  private constructor(parts: Parts) {
    this.#paths = parts.paths
    this.#desired = parts.desired
    this.#identity = parts.identity
    this.#sources = parts.sources
    this.#cable = parts.cable
    this.#loaded = parts.loaded
    this.#gate = attachToIngress(this.#loaded.programs.toBackend, this.#cable.gate)
  }

  /**
   * The way to a backend until the signal.
   *
   * @throws ProbeFailure if there is none, or no address that it could answer to.
   */
  approach(target: Target, signal: AbortSignal): Approach {
    const { address, backend } = target
    const source = this.#sources[address.family]
    if (source === undefined) throw new ProbeFailure(`this machine has no IPv${address.family} address to ask from`)
    this.#refresh()
    if (backend.name === this.#identity.self) return this.#ownApproach(target, source)
    const hop = this.#hops.get(formatAddress(backend.address))
    if (hop === undefined) throw new ProbeFailure(`no route to ${formatAddress(backend.address)}`)
    const { ifindex } = hop
    return {
      address,
      open: (protocol, port, make) => this.#ask(target, { protocol, port, source, ifindex, signal }, make),
    }
  }

  /** Packets by what became of them. */
  passages(which: Passage): number {
    return this.#loaded.maps.passages.getPerCpu(which)!.reduce((sum, each) => sum + Number(each), 0)
  }

  close(): void {
    for (const timer of this.#leaving) clearTimeout(timer)
    for (const entry of this.#entries.values()) entry[Symbol.dispose]()
    this.#gate[Symbol.dispose]()
    this.#loaded.close()
    this.#cable.close()
  }

  /** Another machine's answer would say nothing about this one. */
  #ownApproach({ address }: Target, source: string): Approach {
    const text = formatAddress(address)
    if (this.#hops.has(text)) throw new ProbeFailure(`this machine does not have the address ${text}`)
    return { address, open: (_protocol, _port, make) => inNetns(this.#paths.netns, () => make({ address: source })) }
  }

  #ask<T>(target: Target, ends: Ends, make: (local: LocalEnd) => T): T {
    const index = this.#ports.take()
    if (index === undefined) throw new ProbeFailure('all ports of checks are in use')
    ends.signal.addEventListener('abort', () => this.#leave(index), { once: true })
    const { address, backend, encapsulation } = target
    this.#loaded.maps.probes.set(index, {
      service: padded(addressBytes(address)),
      backend: padded(addressBytes(backend.address)),
      ifindex: ends.ifindex,
      port: ends.port,
      protocol: PROTOCOLS[ends.protocol],
      family: FAMILIES[address.family],
      outerFamily: FAMILIES[backend.address.family],
      gue: encapsulation === 'gue',
    })
    return this.#cable.netns.run(() => make({ address: ends.source, port: FIRST_PORT + index }))
  }

  /** The last packets of a connection still get there; then nothing goes through the port, whoever sends it. */
  #leave(index: number): void {
    const timer = setTimeout(() => {
      this.#leaving.delete(timer)
      this.#loaded.maps.probes.set(index, NOBODY)
      this.#ports.giveBack(index)
    }, LINGER_MS)
    this.#leaving.add(timer)
    timer.unref()
  }

  /** Finds the way to each backend again, and waits for answers where it leads. */
  #refresh(): void {
    const now = performance.now()
    if (now - this.#hopsAt < HOPS_LAST_MS) return
    this.#hops = nextHops(this.#paths.netns, addressesOf(this.#desired))
    this.#hopsAt = now
    const wanted = new Set([...this.#hops.values()].map(({ ifindex }) => ifindex))
    const { netns } = this.#paths
    const isMissing = [...wanted].some((ifindex) => !this.#entries.has(ifindex))
    for (const place of isMissing ? listInterfaces(netns) : []) {
      if (!wanted.has(place.ifindex) || this.#entries.has(place.ifindex)) continue
      this.#entries.set(place.ifindex, attachToIngress(this.#loaded.programs.fromBackend, place))
    }
  }
}

/** Of a port that nobody asks from. */
const NOBODY: Probe = {
  service: new Uint8Array(16),
  backend: new Uint8Array(16),
  ifindex: 0,
  port: 0,
  protocol: 0,
  family: 0,
  outerFamily: 0,
  gue: false,
}

interface Parts {
  readonly paths: Paths
  readonly desired: DesiredBalancer
  readonly identity: Identity
  readonly sources: Sources
  readonly cable: Cable
  readonly loaded: Loaded<typeof health>
}

interface Ends {
  readonly protocol: keyof typeof PROTOCOLS
  /** Of the service. */
  readonly port: number
  /** Own address. */
  readonly source: string
  readonly ifindex: number
  readonly signal: AbortSignal
}

/** Of all backends and of what is asked; of the latter those that are local have no next hop. */
function addressesOf({ backends, services }: DesiredBalancer): string[] {
  const asked = services.flatMap(({ check, prefix }) => (check === undefined ? [] : [addressIn(prefix)]))
  return [...new Set([...backends.map(({ address }) => address), ...asked].map(formatAddress))]
}

function padded(address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(address)
  return bytes
}
