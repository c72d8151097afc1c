import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { LineProcess } from '../../lab/line-process.ts'
import { SLOTS, writeDirectory } from '../../src/dispatch/directory.ts'
import type { DestinationStatus, QuicCounts, QuicPlace } from '../../src/dispatch/index.ts'
import { LiveDispatch } from '../../src/dispatch/live.ts'
import { ip } from '../../src/linux/interface.ts'
import { quicDatagrams } from '../support/quic-awkward.ts'
import { longHeader } from '../support/quic-datagrams.ts'
import { steered } from '../support/quic-model.ts'
import { udpSocketIn } from '../support/sockets.ts'
import { DispatchWorld } from './dispatch-world.ts'

const PORT = 443
const LISTENER = new URL('../support/group-listener.py', import.meta.url).pathname

const FAMILIES = [
  { family: 4, server: '192.0.2.1', other: '192.0.2.2', clients: ['198.51.100.1', '198.51.100.2'] },
  { family: 6, server: '2001:db8::1', other: '2001:db8::2', clients: ['2001:db8::c1', '2001:db8::c2'] },
] as const

/** Datagrams over each family; set SEAWALL_DATAGRAMS for fewer. So many are sent in a row. */
const DATAGRAMS = Number(process.env.SEAWALL_DATAGRAMS ?? 36_000)
const BATCH = 500

/** A generation that tells what comes to its sockets. */
class Listener {
  readonly talk: LineProcess
  /** Of its sockets, in their order. */
  readonly places: readonly QuicPlace[]

  constructor(talk: LineProcess, places: readonly QuicPlace[]) {
    this.talk = talk
    this.places = places
  }

  /** Datagrams since it was asked last, hexadecimal, for each socket. A number has it close that socket. */
  async heard(line = ''): Promise<string[][]> {
    return JSON.parse(await this.talk.say(line))
  }
}

class ListenerWorld extends DispatchWorld {
  /** Starts a generation that works when this is done; the slot behind one is its own. */
  async listen(label: string, sockets: number, host: string, lastSlot: number): Promise<Listener> {
    const talk = new LineProcess(this.start('python3', [LISTENER, `${sockets}`, host, `${PORT}`]))
    const cookies: string[] = JSON.parse(await talk.hear())
    this.#goOnFrom(lastSlot)
    const { sockets: registered, works } = await this.register(label, talk.child, 'new')
    if (!works) await this.dispatch.promote(label)
    const placeOf = (cookie: string) => registered.find((one) => one.cookie === cookie)!.quic!
    return new Listener(talk, cookies.map(placeOf))
  }

  #goOnFrom(lastSlot: number): void {
    using live = LiveDispatch.require(this.paths)
    writeDirectory(live.state, { ...live.directory, lastSlot })
  }

  destination(label: string): DestinationStatus {
    return this.dispatch.status().destinations.find((one) => one.label === label)!
  }
}

const send = (socket: Socket, datagram: Buffer, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.send(datagram, PORT, host, (error) => (error ? reject(error) : resolve()))
  })

/** Which socket of which generation has got each datagram, as `GENERATION/SOCKET`, once so many have come. */
async function whereabouts(listeners: readonly Listener[], count: number): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let tries = 0; found.size < count; tries++) {
    assert.ok(tries < 200, `${found.size} of ${count} datagrams have come`)
    if (tries > 0) await sleep(10)
    for (const [generation, listener] of listeners.entries())
      for (const [socket, datagrams] of (await listener.heard()).entries())
        for (const datagram of datagrams) found.set(datagram, `${generation}/${socket}`)
  }
  return found
}

function socketOf(listeners: readonly Listener[], place: QuicPlace): string {
  const generation = listeners.findIndex(({ places }) => places.includes(place))
  return `${generation}/${listeners[generation]!.places.indexOf(place)}`
}

/** A label with generations of all kinds, of which the last works, and another label. */
async function populate(world: ListenerWorld, server: string, other: string, greet: () => Promise<void>) {
  const slot = () => randomInt(1, SLOTS - 1)
  const old = await world.listen('web', 5, server, slot())
  await greet()
  const [home] = await whereabouts([old], 1).then((found) => [...found.values()])
  const closed = home === '0/0' ? 1 : 0
  await old.heard(`${closed}`)
  const former = await world.listen('web', 3, server, slot())
  const middle = await world.listen('web', 16, server, slot())
  await world.stop(former.talk.child)
  await world.bindWith({ flows: 'quic' }, `other udp ${other} ${PORT}`)
  const stranger = await world.listen('other', 3, other, slot())
  const fresh = await world.listen('web', 6, server, former.places[0]!.slot - 1)
  assert.equal(fresh.places[0]!.slot, former.places[0]!.slot, 'the slot of one that has gone')
  const open = [old, middle, fresh].flatMap(({ places }) => places).filter((one) => one !== old.places[closed])
  return {
    listeners: [old, middle, fresh],
    stranger,
    group: { open, closed: [old.places[closed]!] },
    places: [old, middle, fresh, former, stranger].flatMap(({ places }) => places),
  }
}

for (const { family, server, other, clients } of FAMILIES)
  test(`${DATAGRAMS} datagrams over IPv${family}, good, forged and broken, are counted as what they are, and reach no wrong generation`, async () => {
    await using world = new ListenerWorld()
    if (family === 6)
      for (const address of [server, other, ...clients])
        ip(world.netns, ['-6', 'address', 'add', address, 'dev', 'lo', 'nodad'])
    await world.bindWith({ flows: 'quic' }, `web udp ${server} ${PORT}`)
    const sockets = clients.map((address) => udpSocketIn(world.netns, 0, address).unref())
    const [early] = sockets
    const greet = () => send(early!, longHeader(Buffer.alloc(8), 'initial'), server)
    const { listeners, stranger, group, places } = await populate(world, server, other, greet)
    /** Of what no id leads: the first client has a flow of the first generation, the other one is new. */
    const homes = [0, listeners.length - 1]
    const datagram = fc.tuple(quicDatagrams(places), fc.nat(1))
    const batch = fc.uniqueArray(datagram, {
      minLength: BATCH,
      maxLength: BATCH,
      selector: ([octets]) => octets.toString('hex'),
    })
    const check = async (datagrams: readonly (readonly [Buffer, number])[]): Promise<void> => {
      const expected: Record<keyof QuicCounts, number> = { ...world.destination('web').quic! }
      for (const [octets, client] of datagrams) await send(sockets[client]!, octets, server)
      const found = await whereabouts(listeners, datagrams.length)
      for (const [octets, client] of datagrams) {
        const { count, to } = steered(group, octets)
        expected[count]++
        const hex = octets.toString('hex')
        if (to === undefined) assert.equal(found.get(hex)!.split('/')[0], `${homes[client]}`, `${count} ${hex}`)
        else assert.equal(found.get(hex), socketOf(listeners, to), hex)
      }
      assert.deepEqual(world.destination('web').quic, expected)
    }
    try {
      for (const datagrams of fc.sample(batch, DATAGRAMS / BATCH)) await check(datagrams)
      const { dispatched, kept, missing, quic } = world.destination('web')
      assert.deepEqual([dispatched, kept, missing], [homes.length, DATAGRAMS - 1, 0], 'each is counted once')
      assert.ok(
        quic!.named > DATAGRAMS / 4 && Object.values(quic!).every((count) => count > DATAGRAMS / 200),
        'of all kinds',
      )
      assert.deepEqual((await stranger.heard()).flat(), [])
    } finally {
      for (const socket of sockets) socket.close()
    }
  })
