import type { Server, Socket } from 'node:net'
import { type Link, type Loaded, load, type Program } from '../../src/bpf/index.ts'
import { calibrateClock } from '../../src/firewall/clock.ts'
import { offerOf } from '../../src/firewall/syn-cookies/offer.ts'
import { timing } from '../../src/firewall/syn-cookies/stage.ts'
import { type Config, Cookie, syncookies } from '../../src/generated/syncookies.ts'
import { findInterface, ipBatch, setOffloads } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { type Content, ethernet, ipv4, ipv6 } from '../../src/net/build.ts'
import { PacketSocket } from '../support/packet-socket.ts'
import { tcpServerIn } from '../support/sockets.ts'
import { loadReturning, XDP_PASS } from './bpf-programs.ts'

export type Family = 4 | 6
export const families: readonly Family[] = [4, 6]

/** A server, a client whose protocols live in its namespace, and a client that exists in the frames of a test only. */
export const addresses = {
  4: { server: '10.98.0.1', client: '10.98.0.2', frames: '10.98.0.9' },
  6: { server: 'fd98::1', client: 'fd98::2', frames: 'fd98::9' },
} as const

export const SERVER_MAC = '02:00:00:00:98:01'
export const CLIENT_MAC = '02:00:00:00:98:02'

/** A wire from the namespace of listeners, `sea0`, to that of clients, `sea1`. Nothing else is on it, such as neighbour discovery. */
export class CookieWorld {
  readonly netns: string
  readonly client: string
  readonly wire: PacketSocket
  readonly #servers: Server[] = []
  readonly #sockets: Socket[] = []
  #stage: Loaded<typeof syncookies> | undefined
  #link: Link | undefined
  #receiver: Link | undefined

  constructor(name: string) {
    this.netns = `seawall-${name}-${process.pid}`
    this.client = `${this.netns}-c`
    createNetns(this.netns)
    createNetns(this.client)
    for (const netns of [this.netns, this.client])
      for (const which of ['all', 'default']) {
        writeSysctl(netns, `net.ipv6.conf.${which}.router_solicitations`, '0')
        writeSysctl(netns, `net.ipv6.conf.${which}.accept_dad`, '0')
      }
    writeSysctl(this.netns, 'net.ipv4.tcp_syncookies', '2')
    writeSysctl(this.netns, 'net.ipv4.tcp_timestamps', '2')
    ipBatch(this.netns, [
      `link add sea0 address ${SERVER_MAC} type veth peer name sea1 address ${CLIENT_MAC} netns ${this.client}`,
    ])
    // Checksums and VLAN tags are to be in the frames.
    setOffloads(this.client, 'sea1', { txvlan: 'off', 'tx-vlan-stag-hw-insert': 'off' })
    setOffloads(this.netns, 'sea0', { tx: 'off' })
    connect(this.netns, 'sea0', 'server', CLIENT_MAC)
    connect(this.client, 'sea1', 'client', SERVER_MAC)
    this.wire = new PacketSocket(this.client, 'sea1')
  }

  /** Every socket that comes is kept open, and what it is sent is sent back. */
  listen(port: number): Server {
    const server = tcpServerIn(this.netns, port)
    server.on('connection', (socket) => {
      this.#sockets.push(socket)
      socket.on('error', () => socket.destroy()).pipe(socket)
    })
    this.#servers.push(server)
    return server
  }

  /** Connections that the servers have got so far. */
  get accepted(): number {
    return this.#sockets.length
  }

  /** Puts the stage in front of the listeners, which sends cookies always unless it is told when. */
  async attach(config: Partial<Config> = {}): Promise<void> {
    this.#stage = await load(syncookies, {
      config: {
        ...timing({ rate: 0 }, await calibrateClock()),
        ...offerOf({ bpf: '', run: '', netns: this.netns }, [{ name: 'sea0', mode: 'native' }]),
        secret: 0x5ea3a11n,
        ...config,
      },
    })
    this.#link = attachTo(this.netns, 'sea0', this.stage.programs.syncookies)
    // A veth is woken up for frames of XDP_TX only if it has a program itself.
    using pass = await loadReturning('xdp', XDP_PASS)
    this.#receiver = attachTo(this.client, 'sea1', pass)
  }

  get stage(): Loaded<typeof syncookies> {
    if (this.#stage === undefined) throw new Error('The stage is not attached')
    return this.#stage
  }

  detach(): void {
    for (const each of [this.#link, this.#receiver, this.#stage]) each?.close()
    this.#link = this.#receiver = this.#stage = undefined
  }

  /** Packets that a counter of the stage has seen. */
  count(outcome: Exclude<keyof typeof Cookie, number>): number {
    return this.stage.maps.cookies.getPerCpu(Cookie[outcome])!.reduce((sum, { packets }) => sum + Number(packets), 0)
  }

  /** Ethernet and IP from the client that the test is to the server. */
  headers(family: Family, tos = 0): readonly [Content, Content] {
    const { server: dst, frames: src } = addresses[family]
    const link = ethernet({ src: CLIENT_MAC, dst: SERVER_MAC })
    return [link, family === 4 ? ipv4({ src, dst, tos, flags: 2 }) : ipv6({ src, dst, trafficClass: tos })]
  }

  remove(): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const server of this.#servers) server.close()
    this.detach()
    this.wire.close()
    removeNetns(this.netns)
    removeNetns(this.client)
  }
}

function attachTo(netns: string, name: string, program: Program): Link {
  const { ifindex } = findInterface(netns, name)
  return inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' }))
}

function connect(netns: string, name: string, who: 'server' | 'client', peer: string): void {
  const other = who === 'server' ? 'client' : 'server'
  const neighbours = (family: Family) => [addresses[family][other], addresses[family].frames]
  ipBatch(netns, [
    `address add ${addresses[4][who]}/24 dev ${name}`,
    `address add ${addresses[6][who]}/64 dev ${name} nodad`,
    `link set ${name} up`,
    ...families.flatMap(neighbours).map((each) => `neighbour replace ${each} lladdr ${peer} dev ${name} nud permanent`),
  ])
}
