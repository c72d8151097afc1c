import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { FleetClient, type PeerAddress } from './client.ts'
import { stampOf, type TableDocument } from './document.ts'
import { fetchNewest } from './fetch-newest.ts'
import type { ForwardedWish, Report } from './messages.ts'
import { FleetServer } from './server.ts'
import { digestOf, type Envelope, newNonce, type Refusal, Signer } from './sign.ts'

const key = new Uint8Array(16).fill(7)
const signer = new Signer(key)
const table: TableDocument = {
  version: 4,
  conductor: 'a',
  pools: [{ backends: ['a', 'b', 'c'], rows: Uint16Array.from({ length: 32_768 }, (_, at) => at % 4) }],
  drained: ['b'],
  dead: [{ pool: 0, backend: 'c' }],
  factors: [],
}
const report: Report = { conducts: false, time: 1, busy: [] }

interface Started {
  readonly server: FleetServer
  readonly peer: PeerAddress
  readonly reports: Report[]
}

/** The server of "b", which has the table. */
async function start(t: TestContext, options: { timeoutMs?: number; document?: TableDocument } = {}): Promise<Started> {
  const reports: Report[] = []
  const { document = table, timeoutMs } = options
  const server = await FleetServer.listen({
    self: 'b',
    members: ['a', 'b', 'c'],
    key,
    host: '127.0.0.1',
    port: 0,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    handlers: {
      report: (_from, report) => {
        reports.push(report)
        const reply = { has: stampOf(document), conducts: true }
        return (report.has?.version ?? 0) < document.version ? { reply, document } : { reply }
      },
      table: () => document,
      wish: async (_from, wish: ForwardedWish) => {
        if (wish.backend === 'nobody') throw new Error('Cannot drain "nobody": there is no such backend')
        return { conductor: 'b', version: 5 }
      },
    },
  })
  t.after(() => server.close())
  return { server, peer: { name: 'b', host: '127.0.0.1', port: server.port }, reports }
}

function clientOf(t: TestContext, self = 'a', timeoutMs = 2_000, withKey = key): FleetClient {
  const client = new FleetClient({ self, key: withKey, timeoutMs })
  t.after(() => client.close())
  return client
}

function envelopeOf(body: Uint8Array, fields: Partial<Envelope> = {}): Envelope {
  return {
    kind: 'ask',
    from: 'a',
    to: 'b',
    time: Date.now(),
    nonce: newNonce(),
    about: 'POST /fleet/report',
    length: body.length,
    digest: digestOf(body),
    ...fields,
  }
}

/** Sends what a client would not, and returns the status. */
async function post({ port }: PeerAddress, authorization: string | undefined, body: Uint8Array): Promise<number> {
  const headers = { 'content-length': body.length, ...(authorization === undefined ? {} : { authorization }) }
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/fleet/report', headers, agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}

/** Waits until so many messages were refused for this reason. */
async function untilRefused(server: FleetServer, refusal: Refusal, count: number): Promise<void> {
  while (server.counts.refused[refusal] < count) await new Promise((resolve) => setTimeout(resolve, 10))
}

function refusedBy(server: FleetServer): Partial<Record<Refusal, number>> {
  return Object.fromEntries(Object.entries(server.counts.refused).filter(([, count]) => count > 0))
}

describe('FleetServer and FleetClient', () => {
  test('a report is answered, with the table if it is newer', async (t) => {
    const { peer, reports, server } = await start(t)
    const client = clientOf(t)
    const sent = { ...report, busy: [{ pool: '0'.repeat(32), rows: Uint32Array.of(3, 70_000) }], load: { cpu: 0.25 } }
    const { reply, document } = await client.report(peer, sent)
    assert.deepEqual(reply, { has: stampOf(table), conducts: true })
    assert.deepEqual(document, table)
    assert.deepEqual(reports, [sent])
    assert.equal((await client.report(peer, { ...report, has: stampOf(table) })).document, undefined)
    assert.deepEqual(await client.table(peer), table)
    assert.deepEqual(server.counts.answered, 3)
  })

  test('a wish is done, or the error of the other is told', async (t) => {
    const { peer } = await start(t)
    const client = clientOf(t)
    const wish = { kind: 'drain', backend: 'c', hops: 1 } as const
    assert.deepEqual(await client.wish(peer, wish), { conductor: 'b', version: 5 })
    await assert.rejects(client.wish(peer, { ...wish, backend: 'nobody' }), {
      code: 'FLEET_REFUSED',
      message: /^Cannot ask "b" at 127\.0\.0\.1:\d+: it answered 409: Cannot drain "nobody": there is no such backend$/,
    })
  })

  test('messages that are not from the fleet, or not as they were sent, are refused, counted, and reach nobody', async (t) => {
    const { peer, server, reports } = await start(t)
    const body = gzipSync(JSON.stringify({ ...report }))
    const good = envelopeOf(body)
    const sign = (fields: Partial<Envelope>) => signer.sign(envelopeOf(body, fields))
    assert.equal(await post(peer, signer.sign(good), body), 200)
    assert.equal(await post(peer, signer.sign(good), body), 401)
    assert.equal(await post(peer, undefined, body), 401)
    assert.equal(await post(peer, new Signer(key.with(0, 0)).sign(envelopeOf(body)), body), 401)
    assert.equal(await post(peer, sign({ to: 'c' }), body), 401)
    assert.equal(await post(peer, sign({ kind: 'answer' }), body), 401)
    assert.equal(await post(peer, sign({ about: 'POST /fleet/wish' }), body), 401)
    assert.equal(await post(peer, sign({ from: 'mallory' }), body), 401)
    assert.equal(await post(peer, sign({ time: Date.now() - 300_000 }), body), 401)
    assert.equal(await post(peer, sign({ time: Date.now() + 300_000 }), body), 401)
    assert.equal(await post(peer, sign({}), Buffer.from(body).fill(0, 20, 21)), 400)
    assert.equal(await post(peer, sign({}), body.subarray(0, -1)), 400)
    assert.equal(await post(peer, sign({ length: 9 << 20 }), body), 413)
    assert.deepEqual(refusedBy(server), {
      replayed: 1,
      unsigned: 1,
      forged: 1,
      misdirected: 3,
      stranger: 1,
      expired: 2,
      altered: 2,
      oversized: 1,
    })
    assert.equal(reports.length, 1)
  })

  test('what is signed but no message is refused: no gzip, no JSON, other fields, and what unpacks to too much', async (t) => {
    const { peer, server, reports } = await start(t)
    const bodies = [
      Buffer.from('no gzip'),
      gzipSync('no JSON'),
      gzipSync('{"conducts":false}'),
      gzipSync(JSON.stringify({ ...report, busy: [{ pool: 'x', rows: '' }] })),
      gzipSync(Buffer.alloc(33 << 20, ' ')),
    ]
    for (const body of bodies) assert.equal(await post(peer, signer.sign(envelopeOf(body)), body), 400)
    assert.deepEqual(refusedBy(server), { unreadable: bodies.length })
    assert.equal(reports.length, 0)
  })

  test('garbage on the connection is counted and ends it; the next message is answered', async (t) => {
    const { peer, server } = await start(t)
    for (const bytes of [
      '\0\x01\x02\xff\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
      `GET /${'x'.repeat(9_000)} HTTP/1.1`,
    ]) {
      const socket = connect(peer.port, '127.0.0.1')
      socket.on('error', () => socket.destroy())
      socket.write(bytes, 'latin1')
      socket.resume()
      await once(socket, 'close')
    }
    await untilRefused(server, 'garbage', 3)
    assert.deepEqual((await clientOf(t).table(peer))?.version, 4)
  })

  test('a question that trickles in is ended and counted, and holds up nobody', async (t) => {
    const { peer, server } = await start(t, { timeoutMs: 200 })
    const body = gzipSync(JSON.stringify(report))
    const socket = connect(peer.port, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    const head = ['POST /fleet/report HTTP/1.1', 'host: b', `authorization: ${signer.sign(envelopeOf(body))}`]
    socket.write(`${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n`)
    assert.equal((await clientOf(t).table(peer))?.version, 4)
    socket.resume()
    await once(socket, 'close')
    await untilRefused(server, 'slow', 1)
    assert.deepEqual(refusedBy(server), { slow: 1 })
  })

  test('listen() says what is wrong with the port', async (t) => {
    const { server } = await start(t)
    const again = FleetServer.listen({
      self: 'b',
      members: [],
      key,
      host: '127.0.0.1',
      port: server.port,
      handlers: {
        report: () => ({ reply: { conducts: false } }),
        table: () => undefined,
        wish: () => Promise.reject(),
      },
    })
    await assert.rejects(again, {
      code: 'FLEET_LISTEN',
      message: /Cannot listen on port \d+ for the fleet: .*EADDRINUSE/,
    })
  })
})

/** Listens as "b", and does with each connection what is said; `sign` signs an answer to what was asked. */
async function listening(
  t: TestContext,
  answer: (socket: Socket, sign: (fields: Partial<Envelope>) => string) => void,
): Promise<PeerAddress> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    socket.once('data', (data) => {
      const asked = signer.open(/^authorization: (.*)\r$/im.exec(data.toString())?.[1])
      const plain: Partial<Envelope> = { kind: 'answer', from: 'b', to: 'a', about: '200', nonce: asked.nonce }
      answer(socket, (fields) => signer.sign(envelopeOf(new Uint8Array(), { ...plain, ...fields })))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address() as AddressInfo
  return { name: 'b', host: '127.0.0.1', port: address.port }
}

describe('FleetClient', () => {
  test('gives up a machine that is silent, that stops in the middle, or is not there', async (t) => {
    const silent = await listening(t, () => {})
    const client = clientOf(t, 'a', 200)
    await assert.rejects(client.table(silent), { code: 'FLEET_UNREACHABLE', message: /silent for 200 ms/ })
    const half = await listening(t, (socket, sign) =>
      socket.write(`HTTP/1.1 200 OK\r\nauthorization: ${sign({ length: 9 })}\r\ncontent-length: 9\r\n\r\nhalf`),
    )
    await assert.rejects(client.table(half), { code: 'FLEET_UNREACHABLE' })
    await assert.rejects(clientOf(t).table({ ...silent, port: 1 }), { message: /"b" at 127\.0\.0\.1:1: ECONNREFUSED/ })
  })

  test('gives up when it is told to, also before it began', async (t) => {
    const peer = await listening(t, () => {})
    const stop = new AbortController()
    const asked = clientOf(t).table(peer, stop.signal)
    setTimeout(() => stop.abort(), 50)
    await assert.rejects(asked, { code: 'FLEET_UNREACHABLE' })
    await assert.rejects(clientOf(t).table(peer, stop.signal), { code: 'FLEET_UNREACHABLE' })
  })

  test('believes no answer that is unsigned, of another key, or the answer to another question', async (t) => {
    const { peer } = await start(t)
    await assert.rejects(clientOf(t, 'a', 2_000, key.with(3, 1)).table(peer), {
      code: 'FLEET_REFUSED',
      message: /it answered 401: forged: it is signed with another key \(balancer\.key must be/,
    })
    const other = new Signer(key.with(0, 1))
    const lies: readonly ((sign: (fields: Partial<Envelope>) => string) => string)[] = [
      (sign) => sign({ nonce: newNonce() }),
      (sign) => sign({ to: 'c' }),
      (sign) => sign({ about: '204' }),
      (sign) => sign({ kind: 'ask' }),
      (sign) => sign({ length: 4, digest: digestOf(Buffer.from('true')) }),
      () => other.sign(envelopeOf(Buffer.from('lie!'), { kind: 'answer', from: 'b', to: 'a', about: '200' })),
    ]
    for (const lie of lies) {
      const liar = await listening(t, (socket, sign) =>
        socket.end(
          `HTTP/1.1 200 OK\r\nauthorization: ${lie(sign)}\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlie!`,
        ),
      )
      await assert.rejects(clientOf(t).table(liar), {
        code: 'FLEET_FORGED',
        message: /Cannot believe the answer of "b" at/,
      })
    }
  })
})

describe('fetchNewest()', () => {
  test('is the newest table of those that answer', async (t) => {
    const [one, two] = [await start(t), await start(t, { document: { ...table, version: 7 } })]
    const gone = { name: 'b', host: '127.0.0.1', port: 1 }
    const fetched = await fetchNewest(clientOf(t), [one.peer, gone, two.peer])
    assert.equal(fetched.document?.version, 7)
    assert.equal(fetched.answered.length, 2)
    assert.match(fetched.errors[0]?.message ?? '', /ECONNREFUSED/)
  })
})
