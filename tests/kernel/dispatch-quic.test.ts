import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { type QuicPlace, quicConnectionIds, type RegisterResult, readBinding } from '../../src/dispatch/index.ts'
import { ip } from '../../src/linux/interface.ts'
import { Asker, longHeader, shortHeader } from '../support/quic-datagrams.ts'
import { DispatchWorld } from './dispatch-world.ts'

const PORT = 443
const FAMILIES = [
  { family: 4, server: '192.0.2.1', clients: ['198.51.100.1', '198.51.100.2'] },
  { family: 6, server: '2001:db8::1', clients: ['2001:db8::c1', '2001:db8::c2'] },
] as const

const ANSWERER = new URL('../support/group-answerer.py', import.meta.url).pathname

/** A server with a group of sockets, registered for a label. */
async function serve(world: DispatchWorld, name: string, sockets: number, host: string, isNew = false) {
  const child = await world.serve('python3', [ANSWERER, name, `${sockets}`, host, `${PORT}`])
  const result = await world.dispatch.registerProcess('web', { pid: child.pid! }, isNew ? 'new' : 'working')
  return { child, result }
}

const placesIn = ({ sockets }: RegisterResult): QuicPlace[] => sockets.map(({ quic }) => quic!)

for (const { family, server, clients } of FAMILIES) {
  const to = { address: server, port: PORT }

  test(`a connection id leads to its socket over IPv${family}, wherever its client is and whichever generation works`, async () => {
    await using world = new DispatchWorld()
    addAddresses(world)
    const prefix = family === 4 ? '192.0.2.0/24' : '2001:db8::/64'
    await world.dispatch.bind([quicBinding(prefix)])
    const old = await serve(world, 'old', 3, server)
    const places = placesIn(old.result)
    assert.deepEqual(
      places.map(({ place }) => place),
      [0, 1, 2],
    )
    const names = await namesOf(world, places, to, clients[0])
    assert.deepEqual([...names].sort(), ['old/0', 'old/1', 'old/2'])
    const fresh = await serve(world, 'fresh', 2, server, true)
    using first = new Asker(world.netns, clients[0])
    using second = new Asker(world.netns, clients[1])
    const initial = () => longHeader(randomBytes(8), 'initial')
    assert.match(await first.ask(initial(), to), /^old/)
    await world.dispatch.promote('web')
    assert.match(await first.ask(initial(), to), /^old/, 'what has a flow stays')
    assert.match(await second.ask(initial(), to), /^fresh/)
    for (const client of clients) assert.deepEqual(await namesOf(world, places, to, client), names)
    const newer = await namesOf(world, placesIn(fresh.result), to, clients[1])
    assert.deepEqual([...newer].sort(), ['fresh/0', 'fresh/1'])
  })
}

/** Clients of IPv6 need addresses that are on an interface. */
function addAddresses({ netns }: DispatchWorld): void {
  for (const address of FAMILIES[1].clients) ip(netns, ['-6', 'address', 'add', address, 'dev', 'lo', 'nodad'])
}

function quicBinding(prefix: string) {
  return readBinding({ label: 'web', protocol: 'udp', prefix, port: `${PORT}`, flows: 'quic' })
}

/** Who answers to ids of places, each asked from a new port, in all packets that can have them. */
async function namesOf(
  world: DispatchWorld,
  places: readonly QuicPlace[],
  to: { readonly address: string; readonly port: number },
  client: string,
): Promise<string[]> {
  const names: string[] = []
  for (const place of places) {
    const answers = new Set<string>()
    for (const nonceLength of [4, 5, 8, 10]) {
      using asker = new Asker(world.netns, client)
      const next = quicConnectionIds(place, { nonceLength, serverId: randomInt(65_536) })
      for (const packet of [shortHeader(next()), longHeader(next()), longHeader(next(), 'handshake', 2)])
        answers.add(await asker.ask(packet, to))
    }
    names.push([...answers].join(' and '))
  }
  return names
}
