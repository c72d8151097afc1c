import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { findInterface, setInterfaceAttribute, setOffloads, threadNapi } from '../../src/linux/interface.ts'
import { makeRealtime, pinToCpu } from '../../src/linux/process.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { Flood } from '../flood/flood.ts'
import { Lab } from '../lab.ts'
import { EDGE_QUEUES, pointOfPresence, SERVICE4, SERVICE6 } from '../point-of-presence.ts'
import { Router } from '../router.ts'
import { Closers } from './closers.ts'
import { Protection } from './protection.ts'
import { startServers, ZONE } from './servers.ts'
import { readSnapshot, type Snapshot } from './snapshot.ts'

/** Clients, attack, router and command line share one CPU; the edge's network and servers have the other for themselves. */
const CLIENT_CPU = 0
const EDGE_CPU = Math.min(1, cpus().length - 1)
/** The edge's kernel has no cookies of its own, or this machine could not send enough SYNs to starve it: docs/lab.md has the figures. */
const NO_COOKIES = ['net.ipv4.tcp_syncookies', '0'] as const
/** Same seed, same packets, in every run of the demo. */
const SEED = 20_261_123

/** Everything the demo plays with: the lab, the servers on its edge, the attack and Seawall. */
export interface Scene {
  readonly clients: { readonly netns: string; readonly cpu: number; readonly directory: string }
  readonly flood: Flood
  readonly protection: Protection
  /** Pauses the attack until no packet is under way, and reads every counter. Throws if a server has ended. */
  snapshot(withFirewall: boolean): Promise<Snapshot>
  close(): Promise<void>
}

export async function buildScene(): Promise<Scene> {
  const closers = new Closers()
  try {
    // The edge's CPU is left alone: whatever runs there in the kernel holds up the thread that empties the ring.
    pinToCpu(process.pid, CLIENT_CPU)
    const lab = Lab.build(pointOfPresence())
    closers.add(() => lab.close())
    const directory = closers.temporaryDirectory()
    const edge = lab.netns('edge1')
    writeSysctl(edge, ...NO_COOKIES)
    const router = await Router.attach(lab.netns('router'), 'botnet')
    closers.add(() => router.close())
    router.dropAnswers('edge1')
    connect(edge, 'eth0', EDGE_CPU)
    connect(lab.netns('router'), 'edge1', CLIENT_CPU)
    const servers = await startServers({ netns: edge, cpu: EDGE_CPU, directory })
    closers.add(() => servers.stop())
    const flood = await Flood.start(floodOptions(lab))
    closers.add(() => flood.close())
    const protection = new Protection({ netns: edge, cpu: CLIENT_CPU, directory })
    closers.add(() => protection.close())
    return {
      clients: { netns: lab.netns('clients'), cpu: CLIENT_CPU, directory },
      flood,
      protection,
      snapshot: (withFirewall) => {
        servers.check()
        return snapshot(lab, flood, withFirewall ? protection : undefined)
      },
      close: () => closers.close(),
    }
  } catch (cause) {
    await closers.close()
    throw cause
  }
}

/** Sets up one end of the edge's cable: what it receives is work of this CPU, where the packets that leave by it are made, too. */
function connect(netns: string, name: string, cpu: number): void {
  setOffloads(netns, name, { gro: 'on' })
  // Before every process, as in the soft interrupt of a real card.
  for (const thread of threadNapi(netns, name)) {
    pinToCpu(thread, cpu)
    makeRealtime(thread)
  }
  separateFrames(netns, name, cpu)
}

/**
 * Frames that XDP sends leave by the queue of the CPU's number: the attack on its way in, SYN cookies on their way out. What the kernel
 * sends, packets from and to clients, leaves by the other. A veth's ring has 256 entries where a card has thousands: without a
 * ring of their own, good packets would be lost whenever other work on this machine holds up the other end for half a millisecond.
 */
function separateFrames(netns: string, name: string, cpu: number): void {
  const frames = cpu % EDGE_QUEUES
  for (let queue = 0; queue < EDGE_QUEUES; queue++) {
    setInterfaceAttribute(netns, name, `queues/tx-${queue}/xps_cpus`, queue === frames ? '0' : (1 << cpu).toString(16))
  }
}

function floodOptions(lab: Lab) {
  return {
    netns: lab.netns('botnet'),
    cpu: CLIENT_CPU,
    interface: 'eth0',
    seed: SEED,
    target: {
      srcMac: findInterface(lab.netns('botnet'), 'eth0').mac,
      dstMac: findInterface(lab.netns('router'), 'botnet').mac,
      ipv4: SERVICE4,
      ipv6: SERVICE6,
      zone: ZONE,
    },
  }
}

async function snapshot(lab: Lab, flood: Flood, protection: Protection | undefined): Promise<Snapshot> {
  flood.pause()
  const sent = await sentBy(flood)
  await setTimeout(100)
  return readSnapshot(lab, sent, await protection?.counters())
}

/** Attack packets that were given to the network so far. */
export async function sentBy(flood: Flood): Promise<number> {
  return (await flood.sent()).reduce((sum, { packets }) => sum + packets, 0)
}
