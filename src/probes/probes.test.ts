import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAddress } from '../net/address.ts'
import type { Approach } from './approach.ts'
import { attempt, type ProbeResult } from './attempt.ts'
import { type Probe, probe, type Surroundings } from './probe.ts'

// Probes and servers on the loopback interface.

/** The own end of all probes. */
const OWN = '127.0.0.9'

const approach: Approach = {
  address: parseAddress('127.0.0.1'),
  open: (_protocol, _port, make) => make({ address: OWN }),
}
const closing: (() => void)[] = []
after(() => {
  for (const close of closing) close()
})

const surroundings: Surroundings = { netns: null, environment: { SEAWALL_BACKEND: 'edge7' }, approach: () => approach }

function ask(what: Probe, timeoutMs = 20_000): Promise<ProbeResult | undefined> {
  const work = (signal: AbortSignal) => probe(what, surroundings, signal)
  return attempt(work, { timeoutMs, stop: new AbortController().signal })
}

async function reasonOf(what: Probe, timeoutMs?: number): Promise<string | undefined> {
  const result = await ask(what, timeoutMs)
  return result?.ok === false ? result.reason : undefined
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

async function answerUdp(answer: (message: Buffer) => Uint8Array | string | undefined): Promise<number> {
  const socket: Socket = createSocket('udp4', (message, from) => {
    assert.equal(from.address, OWN)
    const said = answer(message)
    if (said !== undefined) socket.send(said, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  closing.push(() => socket.close())
  return socket.address().port
}

test('probe() of tcp succeeds where a connection is accepted, and says that it is refused', async () => {
  const server = createServer((socket) => socket.resume().on('error', () => undefined))
  const port = await listen(server)
  assert.equal((await ask({ kind: 'tcp', port }))?.ok, true)
  server.close()
  await once(server, 'close')
  assert.equal(await reasonOf({ kind: 'tcp', port }), 'connection refused')
})

test('probe() of http wants the status, and asks for path and host as told', async () => {
  const asked: string[] = []
  const server = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host} ${request.socket.remoteAddress}`)
    response.statusCode = request.url === '/health' ? 204 : 404
    response.end()
  })
  const port = await listen(server)
  const http = { kind: 'http', port, path: '/health', status: 204 } as const
  assert.equal((await ask(http))?.ok, true)
  assert.equal(await reasonOf({ ...http, path: '/other', host: 'example.com' }), 'status 404, wanted 204')
  assert.deepEqual(asked, [`GET /health 127.0.0.1:${port} ${OWN}`, `GET /other example.com ${OWN}`])
})

test('probe() of http gives up a server that accepts and says nothing', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined))
  const port = await listen(server)
  assert.equal(await reasonOf({ kind: 'http', port, path: '/', status: 200 }, 100), 'no answer within 100ms')
})

test('probe() of udp wants an answer that begins as told', async () => {
  const port = await answerUdp((message) => Buffer.concat([Buffer.from('you said '), message]))
  const udp = { kind: 'udp', port, send: 'ping\xff' } as const
  assert.equal((await ask(udp))?.ok, true)
  assert.equal((await ask({ ...udp, expect: 'you said ping\xff' }))?.ok, true)
  assert.equal(
    await reasonOf({ ...udp, expect: 'pong' }),
    'answer "you said pingÿ", wanted one that begins with "pong"',
  )
})

test('probe() of udp says that nobody is there, or that nothing comes', async () => {
  const silent = await answerUdp(() => undefined)
  assert.equal(await reasonOf({ kind: 'udp', port: silent, send: 'x' }, 100), 'no answer within 100ms')
  closing.pop()!()
  assert.equal(await reasonOf({ kind: 'udp', port: silent, send: 'x' }, 1_000), 'connection refused')
})

test('probe() of dns wants an answer to its question without an error', async () => {
  let code = 0
  const port = await answerUdp((message) => {
    const answer = Buffer.from(message)
    answer[2]! |= 0x80
    answer[3] = code
    return answer
  })
  const dns = { kind: 'dns', port, name: 'Example.com' } as const
  assert.equal((await ask(dns))?.ok, true)
  code = 5
  assert.equal(await reasonOf(dns), 'answer REFUSED, wanted NOERROR')
})

test('probe() of dns passes over answers to other questions', async () => {
  const port = await answerUdp((message) => {
    const answer = Buffer.from(message)
    answer[2]! |= 0x80
    answer[0]! ^= 1
    return answer
  })
  assert.equal(await reasonOf({ kind: 'dns', port, name: 'example.com' }, 200), 'no answer within 200ms')
})

test('probe() of a command wants code 0, and tells the program whom it is about', async () => {
  const script = '[ "$SEAWALL_BACKEND $1" = "edge7 now" ]'
  const command = (...text: string[]): Probe => ({ kind: 'command', command: ['sh', '-c', ...text] })
  assert.equal((await ask(command(script, 'sh', 'now')))?.ok, true)
  assert.equal(await reasonOf(command('echo too slow >&2; exit 3')), 'exit code 3: too slow')
  assert.equal(await reasonOf(command('kill -TERM $$')), 'killed by SIGTERM')
  assert.match(
    (await reasonOf({ kind: 'command', command: ['/no/such/program'] }))!,
    /^cannot start \/no\/such\/program:/,
  )
})

test('probe() of a command kills it with all that it started when its time is over', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'seawall-probe-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const pids = join(folder, 'pids')
  const command = ['sh', '-c', 'sleep 600 & echo $! $$ > "$1"; wait', 'sh', pids]
  assert.equal(await reasonOf({ kind: 'command', command }, 2_000), 'no answer within 2s')
  const started = readFileSync(pids, 'utf8').trim().split(' ').map(Number)
  assert.equal(started.length, 2)
  for (const pid of started) await untilGone(pid)
})

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (!isRunning(pid)) return
    await sleep(10)
  }
  assert.fail(`process ${pid} is still there`)
}

/** A process that has ended may wait for its parent to ask. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
