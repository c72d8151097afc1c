import assert from 'node:assert/strict'
import type { Socket } from 'node:dgram'
import { test } from 'node:test'
import { serverIdOf } from '../../src/balancer/server-id.ts'
import { quicConnectionId } from '../../src/entry/quic.ts'
import { udpSocketIn } from '../support/sockets.ts'
import { startUdpServer } from '../support/udp-server.ts'
import { BalancerWorld, CLIENT, type Destination, SERVICE4, SERVICE6 } from './balancer-world.ts'

const PORT = 443
const FLOWS = 40

const services = [
  { id: 'udp4', address: SERVICE4, port: PORT, protocol: 'udp' },
  { id: 'udp6', address: SERVICE6, port: PORT, protocol: 'udp' },
]

/** How often a datagram is sent until it is answered, and how long each time is waited. */
const TRIES = 40
const ANSWER_MS = 500

async function serve(world: BalancerWorld, connected: boolean): Promise<void> {
  for (const edge of world.edges)
    for (const address of [SERVICE4, SERVICE6])
      world.onClose(await startUdpServer({ netns: world.netns(edge), name: edge, address, port: PORT, connected }))
}

/** Sockets of clients, each a flow to a destination. */
function flows(world: BalancerWorld, { host }: Destination, count: number): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = udpSocketIn(world.netns('clients'), 0, CLIENT[host.includes(':') ? 6 : 4])
    world.onClose(() => socket.close())
    return socket
  })
}

/** Name of the server that answers a datagram. */
async function ask(socket: Socket, { host, port }: Destination, payload: Uint8Array | string = 'who'): Promise<string> {
  for (let tried = 0; tried < TRIES; tried++) {
    const answer = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS)
      socket.once('message', (data) => {
        clearTimeout(timer)
        resolve(data.toString())
      })
      socket.send(payload, port, host)
    })
    socket.removeAllListeners('message')
    if (answer !== undefined) return answer
  }
  throw new Error(`Cannot hear a server at ${host} port ${port}: ${TRIES} datagrams were not answered`)
}

async function askAll(sockets: readonly Socket[], to: Destination): Promise<string[]> {
  const names: string[] = []
  for (const socket of sockets) names.push(await ask(socket, to))
  return names
}

async function outcomesOf(world: BalancerWorld, edge: string): Promise<Readonly<Record<string, number>>> {
  return (await world.control(edge).status()).balancer!.outcomes
}

test('Balancer keeps UDP flows that have a connected socket where they are while their buckets are in transition', async () => {
  using world = await BalancerWorld.build(3)
  await serve(world, true)
  await world.apply({ backends: world.backends({ edge1: 1, edge2: 1, edge3: 0 }), services })
  const sides = [SERVICE4, SERVICE6].map((host) => {
    const to = { host, port: PORT }
    return { to, sockets: flows(world, to, FLOWS) }
  })
  const before = await Promise.all(sides.map(({ sockets, to }) => askAll(sockets, to)))
  assert.deepEqual([...new Set(before.flat())].sort(), ['edge1', 'edge2'])

  await world.apply({ backends: world.backends({ edge1: 0, edge2: 1, edge3: 2 }), services })
  for (const hops of [['edge3'], ['edge1', 'edge2'], world.edges]) {
    world.route(...hops)
    assert.deepEqual(await Promise.all(sides.map(({ sockets, to }) => askAll(sockets, to))), before)
  }
  const { previous, socket } = await outcomesOf(world, 'edge3')
  assert.ok(previous! > 0, 'the new owner sent on what it does not know')
  assert.equal(socket, 0)
})

test('Balancer sends what has a QUIC connection id to the server that it names, whatever bucket and path it has', async () => {
  using world = await BalancerWorld.build(3)
  await serve(world, false)
  const quic = services.map((service) => ({ ...service, quic: true }))
  const backends = (weights: readonly number[]) =>
    Object.fromEntries(
      weights.map((weight, index) => [`edge${index + 1}`, { address: `fd00:0:0:${index + 1}::2`, weight }]),
    )
  for (const weights of [
    [1, 1, 1],
    [5, 1, 0],
  ]) {
    await world.apply({ backends: backends(weights), services: quic })
    for (const hops of [world.edges, ['edge3'], ['edge2', 'edge1']]) {
      world.route(...hops)
      for (const host of [SERVICE4, SERVICE6]) {
        const to = { host, port: PORT }
        for (const socket of flows(world, to, 4))
          for (const edge of world.edges) {
            const id = quicConnectionId({ serverId: serverIdOf(edge) })
            assert.equal(await ask(socket, to, shortHeader(id)), edge)
            assert.equal(await ask(socket, to, longHeader(id)), edge)
          }
      }
    }
  }
})

test('Balancer sends QUIC packets whose connection id names no server by their flow', async () => {
  using world = await BalancerWorld.build(3)
  await serve(world, false)
  const quic = services.map((service) => ({ ...service, quic: true }))
  await world.apply({ backends: world.backends(), services: quic })
  const to = { host: SERVICE4, port: PORT }
  const used = world.edges.map(serverIdOf)
  const nobody = [0, 1, 2, 3].find((id) => !used.includes(id))!
  const named = new Set<string>()
  for (const socket of flows(world, to, FLOWS)) {
    const byFlow = await ask(socket, to)
    named.add(byFlow)
    assert.equal(await ask(socket, to, shortHeader(quicConnectionId({ serverId: nobody }))), byFlow)
    assert.equal(await ask(socket, to, longHeader(Buffer.from('random'))), byFlow)
  }
  assert.equal(named.size, 3)
})

const shortHeader = (id: Uint8Array): Buffer => Buffer.concat([Buffer.from([0x40]), id, Buffer.from('payload')])

const longHeader = (id: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0xc0, 0, 0, 0, 1, id.length]), id, Buffer.from([0]), Buffer.from('payload')])
