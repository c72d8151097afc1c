import type { CountersReport } from '../../src/firewall/types.ts'
import { driverCounters } from '../../src/linux/interface.ts'
import type { Lab } from '../lab.ts'

/** Every counter that the figures are made of, read at one moment, while no packet is under way. */
export interface Snapshot {
  /** Attack packets that the flood gave to its interface. */
  readonly sent: number
  /** Attack packets that did not fit into a ring on the way to the edge. */
  readonly lost: number
  /** Attack packets that the router gave to the edge's interface. */
  readonly arrived: number
  /** What the firewall counted; absent while there is none. */
  readonly firewall?: CountersReport
}

/** Reads the counters of the network; only frames that XDP redirected are counted, and those are the attack. */
export function readSnapshot(lab: Lab, sent: number, firewall: CountersReport | undefined): Snapshot {
  const botnet = driverCounters(lab.netns('botnet'), 'eth0')
  const router = driverCounters(lab.netns('router'), 'edge1')
  return {
    sent,
    lost: sum(botnet, /^tx_queue_\d+_xdp_xmit_errors$/) + sum(router, /^tx_queue_\d+_xdp_xmit_errors$/),
    arrived: sum(router, /^tx_queue_\d+_xdp_xmit$/),
    ...(firewall === undefined ? {} : { firewall }),
  }
}

function sum(counters: ReadonlyMap<string, number>, names: RegExp): number {
  let total = 0
  for (const [name, value] of counters) if (names.test(name)) total += value
  return total
}
