import assert from 'node:assert/strict'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setNetworkNamespace } from '../../src/bpf/ffi/namespaces.ts'
import { type Loaded, load } from '../../src/bpf/index.ts'
import { createNetns, netnsPath, removeNetns } from '../../src/linux/netns.ts'
import { ended, start } from '../../src/linux/process.ts'
import { buildBpf } from '../../tools/build-bpf.ts'
import { traffic } from '../fixtures/generated/traffic.ts'
import { lacking } from '../support/lacking.ts'

// Each place that a program can be attached to, with traffic. This thread, whose sockets Node makes, lives in a namespace of its own.

const netns = `seawall-traffic-${process.pid}`
const LOOPBACK = 1
/** As in traffic.bpf.c. */
const [STEERED, DENIED, DROPPED] = [7001, 7002, 7003]
const IP_AND_UDP = 28
const TRACED = 4349 - IP_AND_UDP

let outside: number
let loaded: Loaded<typeof traffic>
const closing: (() => unknown)[] = []

before(async () => {
  buildBpf({ root: '.' })
  outside = openSync('/proc/thread-self/ns/net', 'r')
  createNetns(netns)
  const inside = openSync(netnsPath(netns), 'r')
  assert.equal(setNetworkNamespace(inside), 0)
  closeSync(inside)
  loaded = await load(traffic)
})
after(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  loaded?.close()
  setNetworkNamespace(outside)
  closeSync(outside)
  removeNetns(netns)
})

/** A server that keeps what connects to it, on a free port unless one is given. */
async function listen(port = 0): Promise<{ server: Server; port: number; accepted: Socket[] }> {
  const accepted: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket)).listen(port)
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  return { server, port: (server.address() as { port: number }).port, accepted }
}

async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host)
  closing.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function bind(port: number): Promise<{ socket: UdpSocket; received: string[] }> {
  const socket = createSocket('udp4')
  const received: string[] = []
  socket.on('message', (message) => received.push(String(message)))
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  closing.push(() => socket.close())
  return { socket, received }
}

interface Handle {
  readonly fd: number
}

/** Node has no public way to a socket's descriptor. */
function descriptorOf(socket: Server | Socket): number {
  return (socket as (Server | Socket) & { readonly _handle: Handle })._handle.fd
}

/** A datagram socket keeps its handle in a state, under a symbol. */
function descriptorOfUdp(socket: UdpSocket): number {
  const states = Object.getOwnPropertySymbols(socket).map((symbol) => {
    return (socket as unknown as Record<symbol, { readonly handle?: Handle } | undefined>)[symbol]
  })
  return states.find((state) => state?.handle !== undefined)!.handle!.fd
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await sleep(10)
  assert.ok(condition(), `never: ${condition}`)
}

/** Runs a shell script in a control group of its own. */
async function inCgroup(work: (folder: number, run: (script: string) => Promise<number | null>) => Promise<void>) {
  const mount = /^cgroup2 (\S+) /m.exec(readFileSync('/proc/mounts', 'utf8'))
  assert.ok(mount, 'there is no cgroup2')
  const group = `${mount[1]}/seawall-traffic-${process.pid}`
  mkdirSync(group)
  const folder = openSync(group, 'r')
  try {
    await work(folder, async (script) => {
      const enter = `echo $$ > ${group}/cgroup.procs || exit 99; ${script}`
      return (await ended(start('bash', ['-c', enter], { stdio: 'pipe' }))).code
    })
  } finally {
    closeSync(folder)
    rmdirSync(group)
  }
}

const opens = (port: number) => `exec 3<>/dev/tcp/127.0.0.1/${port}`

test('Program.attachSkLookup() brings connections to a port that nobody listens on to a socket', async () => {
  const { server, accepted } = await listen()
  loaded.maps.steered.set(0, descriptorOf(server))
  const file = openSync(netnsPath(netns), 'r')
  try {
    using _link = loaded.programs.steer.attachSkLookup(file)
    for (const host of ['127.0.0.1', '::1']) assert.equal((await dial(STEERED, host)).remotePort, STEERED)
    await until(() => accepted.length === 2)
    assert.deepEqual(
      accepted.map((socket) => socket.localPort),
      [STEERED, STEERED],
    )
  } finally {
    closeSync(file)
  }
  assert.equal(loaded.globals.steeredLookups.get(), 2n)
  await assert.rejects(dial(STEERED), { code: 'ECONNREFUSED' })
})

test('Program.attachCgroup() shows sock_ops the connections of a control group, both ends apart', async () => {
  const { port, accepted } = await listen()
  await inCgroup(async (folder, run) => {
    using _link = loaded.programs.countConnections.attachCgroup(folder, 'cgroup_sock_ops')
    for (let count = 0; count < 3; count++) assert.equal(await run(opens(port)), 0)
    await until(() => accepted.length === 3)
  })
  // This process, which accepts them, is in another group.
  assert.deepEqual([loaded.globals.activeConnections.get(), loaded.globals.passiveConnections.get()], [3n, 0n])
})

test('Program.attachCgroup() lets a program refuse connections to a port', async () => {
  const [denied, open] = [await listen(DENIED), await listen()]
  await inCgroup(async (folder, run) => {
    const link = loaded.programs.denyConnect.attachCgroup(folder, 'cgroup_inet4_connect')
    assert.notEqual(await run(opens(DENIED)), 0)
    assert.equal(await run(opens(open.port)), 0)
    link.close()
    assert.equal(await run(opens(DENIED)), 0)
  })
  await until(() => denied.accepted.length === 1 && open.accepted.length === 1)
  assert.equal(loaded.globals.deniedConnections.get(), 1n)
})

test('Program.attachTcx() counts and drops packets, and lets others by', {
  skip: await lacking('tcx-links'),
}, async () => {
  const [dropped, other] = [await bind(DROPPED), await bind(DROPPED + 1)]
  const { programs, globals } = loaded
  const link = programs.dropUdp.attachTcx({ ifindex: LOOPBACK, direction: 'ingress' })
  dropped.socket.send('lost', DROPPED, '127.0.0.1')
  other.socket.send('kept', DROPPED + 1, '127.0.0.1')
  await until(() => other.received.length === 1 && globals.droppedPackets.get() === 1n)
  link.close()
  dropped.socket.send('kept', DROPPED, '127.0.0.1')
  await until(() => dropped.received.length > 0)
  assert.deepEqual([dropped.received, other.received], [['kept'], ['kept']])
  assert.equal(globals.droppedPackets.get(), 1n)
})

test('Program.attachSocketMap() moves bytes from one connection to another in the kernel', async () => {
  const { port, accepted } = await listen()
  const [from, to] = [await dial(port), await dial(port)]
  await until(() => accepted.length === 2)
  const [first, second] = from.localPort === accepted[0]!.remotePort ? accepted : accepted.toReversed()
  const { programs, maps, globals } = loaded
  using _attachment = programs.splice.attachSocketMap(maps.spliced.map, 'sk_skb_stream_verdict')
  maps.spliced.set(0, descriptorOf(first!))
  maps.spliced.set(1, descriptorOf(second!))
  let received = ''
  to.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  from.write('through the kernel')
  await until(() => received.length === 18)
  assert.equal(received, 'through the kernel')
  assert.equal(globals.redirectedBytes.get(), 18n)
  assert.equal(first!.bytesRead, 0)
})

test('Program.attachSocket() keeps datagrams from a socket until it is closed', async () => {
  const { socket, received } = await bind(0)
  const { port } = socket.address()
  const attachment = loaded.programs.filter.attachSocket(descriptorOfUdp(socket))
  for (const text of ['x lost', 'kept']) socket.send(text, port, '127.0.0.1')
  await until(() => received.length === 1)
  attachment.close()
  socket.send('x kept', port, '127.0.0.1')
  await until(() => received.length === 2)
  assert.deepEqual(received, ['kept', 'x kept'])
})

test('Program.attachRawTracepoint() sees packets that are received', async () => {
  const { socket, received } = await bind(0)
  const { port } = socket.address()
  const payload = 'y'.repeat(TRACED)
  using _link = loaded.programs.trace.attachRawTracepoint('netif_receive_skb')
  for (let count = 0; count < 3; count++) socket.send(payload, port, '127.0.0.1')
  await until(() => received.length === 3)
  assert.equal(loaded.globals.tracedPackets.get(), 3n)
})
