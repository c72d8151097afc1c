import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { QuicPrograms } from '../support/quic-programs.ts'
import { QUIC_FAMILIES, QuicWorld, quicBinding } from './dispatch-quic-world.ts'

/** Connections that are open when the server is restarted first, and that come with each restart. */
const CONNECTIONS = 240
const MORE = 20

/** Caddy refuses connections while 32 wait to be accepted. */
const AT_ONCE = 20

/** Questions of each connection while the server is restarted. */
const ROUNDS = 20

const programs = new QuicPrograms()
after(() => programs[Symbol.dispose]())

for (const { family, server, clients, newcomers, loopback } of QUIC_FAMILIES) {
  const [here, there] = clients

  test(`no connection is lost over IPv${family} when a server is restarted and clients move, again and again`, async () => {
    await using world = new QuicWorld(programs)
    await world.dispatch.bind([quicBinding(server, 'quic')])
    const first = await world.restart('server-0', server)
    const say = await world.clients('echo', server)
    const expected: Record<string, number> = { 'server-0': CONNECTIONS }
    assert.deepEqual(await say(`open ${CONNECTIONS} ${here}`), expected)
    for (const [number, move] of [`move ${there}`, `rebind ${here}`, `move ${there}`, `move ${here}`].entries()) {
      const name = `server-${number + 1}`
      const talking = say(`ask ${ROUNDS}`)
      await world.restart(name, server)
      assert.deepEqual(await talking, expected, 'while it is restarted')
      expected[name] = MORE
      assert.deepEqual(await say(`open ${MORE} ${newcomers}${number + 1}`), expected, 'new ones')
      assert.deepEqual(await say(move), expected, move)
    }
    first.child.stdin!.end('end\n')
    delete expected['server-0']
    assert.deepEqual(await say('close server-0'), expected)
    assert.deepEqual(await once(first.child, 'exit'), [0, null], 'the first has ended with its connections')
    const last = await world.restart('server-5', server)
    assert.deepEqual(await say(`move ${there}`), expected)
    await world.stop(last.child)
    const { quic } = world.dispatch.status().destinations[0]!
    assert.deepEqual([quic!.forged, quic!.closed, quic!.malformed], [0, 0, 0])
  })

  for (const [flows, line] of [
    ['none', 'ask 1'],
    ['first-packet', `move ${there}`],
  ] as const)
    test(`over IPv${family} the same connections are lost with flows "${flows}"`, async () => {
      await using world = new QuicWorld(programs)
      await world.dispatch.bind([quicBinding(server, flows)])
      const old = await world.restart('old', server)
      const say = await world.clients('echo', server, 3)
      assert.deepEqual(await say(`open ${MORE} ${here}`), { old: MORE })
      await world.restart('fresh', server)
      assert.deepEqual(await say(line), { lost: MORE })
      await world.stop(old.child)
      assert.deepEqual(await say('close old'), {})
      assert.deepEqual(await say(`open ${MORE} ${newcomers}1`), { fresh: MORE })
    })

  test(`HTTP/3 of Caddy, as it is, loses no connection over IPv${family} that stays where it is`, async () => {
    await using world = new QuicWorld(programs)
    await world.dispatch.bind([quicBinding(server, 'first-packet')])
    const say = await world.clients('h3', server)
    const expected: Record<string, number> = {}
    const old = await world.startCaddy('caddy-0', loopback[0])
    for (const [number, count] of [CONNECTIONS, MORE].entries()) {
      for (let opened = AT_ONCE; opened <= count; opened += AT_ONCE) {
        expected[`caddy-${number}`] = opened
        assert.deepEqual(await say(`open ${AT_ONCE} ${here}`), expected)
      }
      const talking = say(`ask ${ROUNDS}`)
      await world.startCaddy(`caddy-${number + 1}`, loopback[number + 1]!)
      assert.deepEqual(await talking, expected, 'while it is restarted')
    }
    assert.deepEqual(await say('close caddy-0'), { 'caddy-1': MORE })
    await world.stop(old)
    assert.deepEqual(await say(`open ${MORE} ${here}`), { 'caddy-1': MORE, 'caddy-2': MORE })
  })
}
