import type { Netns } from '../../../linux/netns.ts'
import type { Approach } from '../approach.ts'
import type { Target } from '../target.ts'
import { probeCommand } from './command.ts'
import { probeDns } from './dns.ts'
import { probeHttp } from './http.ts'
import { probeTcp } from './tcp.ts'
import { probeUdp } from './udp.ts'

/** What a check needs of the machine that it is done on. */
export interface Surroundings {
  readonly netns: Netns
  /**
   * The way to a backend until the signal.
   *
   * @throws Error if there is none.
   */
  approach(target: Target, signal: AbortSignal): Approach
}

/** Asks a backend once; rejects, with the reason, if it does not serve. */
export async function probe(target: Target, { netns, approach }: Surroundings, signal: AbortSignal): Promise<void> {
  const { probe: what } = target.check
  switch (what.kind) {
    case 'tcp':
      return probeTcp(approach(target, signal), what, signal)
    case 'http':
      return probeHttp(approach(target, signal), what, signal)
    case 'dns':
      return probeDns(approach(target, signal), what, signal)
    case 'udp':
      return probeUdp(approach(target, signal), what, signal)
    case 'command':
      return probeCommand(target, { command: what.command, netns }, signal)
  }
}
