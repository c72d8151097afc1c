import assert from 'node:assert/strict'
import type { Socket } from 'node:dgram'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { removePins } from '../../src/entry/pins.ts'
import { protect } from '../../src/firewall/index.ts'
import {
  type AttachRequest,
  attachToSockets,
  detachFromSockets,
  listAttachments,
} from '../../src/firewall/sockets/attachments.ts'
import { socketsFolder } from '../../src/firewall/sockets/socket-pins.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { buildPacket, ethernet, ipv4, ipv6, udp } from '../../src/net/build.ts'
import { parseRules } from '../../src/rules/index.ts'
import { udpSocketIn } from '../support/sockets.ts'
import { UdpProcess } from '../support/udp-process.ts'
import { Wire } from '../support/wire.ts'

const paths = {
  bpf: `/sys/fs/bpf/seawall-test-${process.pid}`,
  run: mkdtempSync(join(tmpdir(), 'seawall-')),
  netns: `seawall-sockets-${process.pid}`,
}

let wire: Wire
const opened: Socket[] = []
const processes: UdpProcess[] = []

before(async () => {
  mountBpffs()
  wire = await Wire.create(paths.netns)
})

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.close()
  for (const one of processes.splice(0)) await one.stop()
  for (const { name } of listAttachments(paths)) await detachFromSockets(paths, name)
})

after(() => {
  removePins(socketsFolder(paths))
  rmSync(paths.run, { recursive: true })
  wire.close()
})

function socketAt(port: number): Socket {
  const socket = udpSocketIn(wire.netns, port)
  opened.push(socket)
  return socket
}

async function processAt(from: number, to = from): Promise<UdpProcess> {
  const started = await UdpProcess.start(wire.netns, from, to)
  processes.push(started)
  return started
}

/** A frame to a port; the network header is either. */
const to = (dstport: number, text = 'hello', version: 4 | 6 = 4, src = '10.9.9.9') => {
  const network = version === 4 ? ipv4({ src, dst: '10.0.0.1' }) : ipv6({ src: '2001:db8::9', dst: '2001:db8::1' })
  return buildPacket(ethernet({ dst: wire.mac }), network, udp({ srcport: 999, dstport }), text)
}

const rulesOf = (...texts: string[]): AttachRequest['rules'] => ({
  rules: parseRules(texts),
  sets: new Map(),
  malformed: 'drop',
})

/** Waits until a socket of this process was handed so many messages. */
async function messages(counts: { received: number }, wanted: number): Promise<void> {
  for (let waited = 0; counts.received < wanted && waited < 5_000; waited += 5) await sleep(5)
  assert.equal(counts.received, wanted)
}

/** Packets that came to a port of a process, once as many have come as are wanted, or none for a while. */
async function received(server: UdpProcess, port: number, wanted = 0): Promise<number> {
  for (let waited = 0; ; waited += 5) {
    const count = (await server.counts())[port]!
    if (count >= wanted || waited >= 5_000) return count
    await sleep(5)
  }
}

test('protect() drops before the socket sees it, over IPv4 and IPv6, and counts by rule', async () => {
  const socket = socketAt(4001)
  const counts = { received: 0 }
  socket.on('message', () => counts.received++)
  using protection = await protect(socket, [
    'bad: drop if udp.payload contains "bad"',
    'v6: drop if ipv6 and udp.dstport == 4001',
  ])
  for (const packet of [to(4001), to(4001, 'a bad one'), to(4001, 'x', 6), to(4001)]) wire.receive(packet)
  const { verdicts, rules } = protection.counters()
  assert.deepEqual([verdicts.pass.packets, verdicts.drop.packets], [2, 2])
  assert.deepEqual(
    rules.map(({ id, packets }) => [id, packets]),
    [
      ['bad', 1],
      ['v6', 1],
    ],
  )
  // 14 bytes of Ethernet, 20 of IPv4, 8 of UDP.
  assert.equal(verdicts.pass.bytes, 2 * (42 + 'hello'.length))
  await messages(counts, 2)
})

test('protect() gives several sockets the same limit, and others none', async () => {
  const [first, second, other] = [socketAt(4002), socketAt(4003), socketAt(4004)]
  const counts = { received: 0 }
  const others = { received: 0 }
  for (const socket of [first, second]) socket.on('message', () => counts.received++)
  other.on('message', () => others.received++)
  using protection = await protect([first], 'limit 1/m burst 5 if udp')
  protection.add(second)
  for (const port of [4002, 4003, 4004]) wire.receive(to(port), 20)
  assert.equal(protection.counters().verdicts.pass.packets, 5)
  await messages(counts, 5)
  await messages(others, 20)
})

test('protect() ends with close(), and when a socket is closed before', async () => {
  const [socket, closed] = [socketAt(4005), socketAt(4006)]
  const counts = { received: 0 }
  socket.on('message', () => counts.received++)
  const protection = await protect([socket, closed], 'drop if udp')
  wire.receive(to(4005))
  opened.splice(opened.indexOf(closed), 1)
  closed.close()
  protection.close()
  protection.close()
  wire.receive(to(4005))
  await messages(counts, 1)
})

test('protect() refuses what is no open UDP or TCP socket, and rules that sockets cannot have', async () => {
  const file = openSync('/dev/null', 'r')
  try {
    await assert.rejects(protect(file, 'drop if udp'), { code: 'SEAWALL_INPUT', message: /wanted a UDP or TCP socket/ })
  } finally {
    closeSync(file)
  }
  const socket = udpSocketIn(wire.netns, 4007)
  socket.close()
  await assert.rejects(protect(socket, 'drop if udp'), { code: 'SOCKET_GONE' })
  const open = socketAt(4007)
  using protection = await protect(open, 'count if udp')
  await assert.rejects(protect(open, 'drop if udp'), { code: 'SEAWALL_INPUT', message: /the socket has a filter/ })
  assert.throws(() => protection.add(open), { message: /the socket has a filter/ })
  await assert.rejects(protect(open, 'sample 1/10 if udp'), { code: 'SEAWALL_INPUT', message: /it samples/ })
  await assert.rejects(protect(open, 'm: drop if eth.src == 02:00:00:00:00:01'), {
    code: 'not_there',
    message: /"m".*"eth.src"/,
  })
  await assert.rejects(protect(open, 'drop if udp.dstprt == 5'), { name: 'RuleTypeError' })
})

test('attachToSockets() puts rules in front of the socket of a process that knows nothing of it, until it is detached', async () => {
  const server = await processAt(4010, 4011)
  const request = { name: 'test', rules: rulesOf('all: drop if udp'), sockets: { ports: [4010, 4010] as const } }
  const attached = await attachToSockets(paths, request)
  assert.deepEqual(
    attached.sockets.map(({ pid, port, protocol, open }) => ({ pid, port, protocol, open })),
    [{ pid: server.pid, port: 4010, protocol: 'udp', open: true }],
  )
  for (const port of [4010, 4011]) wire.receive(to(port), 3)
  assert.equal(await received(server, 4011, 3), 3)
  assert.equal(await received(server, 4010, 0), 0)
  assert.deepEqual(
    listAttachments(paths).map(({ name, counters }) => [name, counters.verdicts.drop.packets]),
    [['test', 3]],
  )
  await detachFromSockets(paths, 'test')
  wire.receive(to(4010), 2)
  assert.equal(await received(server, 4010, 2), 2)
  assert.deepEqual(listAttachments(paths), [])
})

test('attachToSockets() selects by process and descriptor, and refuses a socket or name that is taken', async () => {
  const server = await processAt(4012, 4013)
  const all = await attachToSockets(paths, { name: 'all', rules: rulesOf('drop if udp'), sockets: { pid: server.pid } })
  assert.deepEqual(all.sockets.map(({ port }) => port).sort(), [4012, 4013])
  const { fd, inode } = all.sockets[0]!
  const one = { name: 'one', rules: rulesOf('drop if udp'), sockets: { pid: server.pid, fd } }
  await assert.rejects(attachToSockets(paths, one), { code: 'SEAWALL_INPUT', message: /has the rules of "all"/ })
  await assert.rejects(attachToSockets(paths, { ...one, name: 'all' }), { message: /there is such a name/ })
  await detachFromSockets(paths, 'all')
  assert.deepEqual(
    (await attachToSockets(paths, one)).sockets.map((socket) => socket.inode),
    [inode],
  )
})

test('attachToSockets() refuses selections without a socket and processes that are not there, and changes nothing', async () => {
  const rules = rulesOf('drop if udp')
  await assert.rejects(attachToSockets(paths, { name: 'x', rules, sockets: { pid: process.pid, ports: [1, 1] } }), {
    code: 'SEAWALL_INPUT',
    message: /Cannot find a socket with pid \d+, ports 1: wanted/,
  })
  await assert.rejects(attachToSockets(paths, { name: 'x', rules, sockets: { pid: 4_194_303 } }), {
    code: 'PROCESS_GONE',
  })
  await assert.rejects(attachToSockets(paths, { name: 'a.b', rules, sockets: { pid: process.pid } }), {
    message: /wanted a name/,
  })
  await assert.rejects(detachFromSockets(paths, 'x'), { code: 'SEAWALL_INPUT' })
  assert.deepEqual(listAttachments(paths), [])
})

test('attachToSockets() goes on with other sockets when one is closed, and detaches after the process has ended', async () => {
  const server = await processAt(4014, 4015)
  await attachToSockets(paths, { name: 'gone', rules: rulesOf('drop if udp'), sockets: { pid: server.pid } })
  await server.closeSocket(4014)
  const [closed] = listAttachments(paths)
  assert.deepEqual(closed!.sockets.map(({ port, open }) => [port, open]).sort(), [
    [4014, false],
    [4015, true],
  ])
  wire.receive(to(4015))
  assert.equal(await received(server, 4015, 0), 0)
  await server.stop()
  assert.ok(listAttachments(paths)[0]!.sockets.every(({ open }) => !open))
  await detachFromSockets(paths, 'gone')
  assert.ok(!existsSync(join(socketsFolder(paths), 'gone')))
})
