import type { Netns } from '../linux/netns.ts'
import type { Approach } from './approach.ts'
import { probeCommand } from './command.ts'
import { probeDns } from './dns.ts'
import { probeHttp } from './http.ts'
import { probeTcp } from './tcp.ts'
import { probeUdp } from './udp.ts'

/** How it is found out that a server serves. */
export type Probe =
  | { readonly kind: 'tcp'; readonly port: number }
  | HttpProbe
  | DnsProbe
  | UdpProbe
  | { readonly kind: 'command'; readonly command: readonly string[] }

export interface HttpProbe {
  readonly kind: 'http'
  readonly port: number
  readonly path: string
  readonly host?: string
  readonly status: number
}

export interface DnsProbe {
  readonly kind: 'dns'
  readonly port: number
  readonly name: string
}

/** `send` and `expect`: one character is one byte. */
export interface UdpProbe {
  readonly kind: 'udp'
  readonly port: number
  readonly send: string
  readonly expect?: string
}

/** What a probe needs of the machine that it is done on. */
export interface Surroundings {
  readonly netns: Netns
  /** Variables for a command, beside those of this process: whom it is about. */
  readonly environment: Readonly<Record<string, string>>
  /**
   * The way to the server, until the signal of the probe.
   *
   * @throws Error if there is none.
   */
  approach(): Approach
}

/** Asks a server once; rejects, with the reason, if it does not serve. */
export async function probe(what: Probe, surroundings: Surroundings, signal: AbortSignal): Promise<void> {
  switch (what.kind) {
    case 'tcp':
      return probeTcp(surroundings.approach(), what, signal)
    case 'http':
      return probeHttp(surroundings.approach(), what, signal)
    case 'dns':
      return probeDns(surroundings.approach(), what, signal)
    case 'udp':
      return probeUdp(surroundings.approach(), what, signal)
    case 'command':
      return probeCommand(what.command, surroundings, signal)
  }
}
