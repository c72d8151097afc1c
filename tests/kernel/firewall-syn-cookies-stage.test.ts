import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { calibrateClock } from '../../src/firewall/clock.ts'
import { assumeClosed } from '../../src/firewall/syn-cookies/closings.ts'
import { command } from '../../src/linux/command.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { ended, start, stop } from '../../src/linux/process.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, ethernet, extension, fragment, ipv4, ipv6, tcp, vlan } from '../../src/net/build.ts'
import { isSynAck, readSynAck } from './firewall-syn-cookies-reply.ts'
import { addresses, CLIENT_MAC, CookieWorld, type Family, families, SERVER_MAC } from './firewall-syn-cookies-world.ts'

const [ECHO, HTTP, CLOSED, CLOSES] = [7, 80, 81, 82]
const [ABORTED, PASS, TX] = [0, 2, 3]
const ACK = 0x10

/** A connection between standard input and output. */
const CLIENT = 'const s = require("net").connect(...process.argv.slice(1)); process.stdin.pipe(s).pipe(process.stdout)'

/** MSS, SACK, timestamp, NOP, scale. */
const options = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)

let world: CookieWorld
const http = createServer((_, response) => response.end('served'))
/** Keeps each connection in TIME_WAIT, as the end that closed it first. */
const closesFirst = createTcpServer((socket) => socket.once('data', () => socket.end('served')))

before(() => {
  world = new CookieWorld('cookies')
  world.listen(ECHO)
  inNetns(world.netns, () => void http.listen(HTTP))
  inNetns(world.netns, () => void closesFirst.listen(CLOSES))
})
afterEach(() => world.detach())
after(() => {
  http.closeAllConnections()
  http.close()
  closesFirst.close()
  world?.remove()
})

async function curl(host: string, args: readonly string[] = [], port = HTTP): Promise<void> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`
  const child = start('curl', ['-sS', '--max-time', '20', ...args, url], { netns: world.client, stdio: 'pipe' })
  const { code, stdout, stderr } = await ended(child)
  assert.deepEqual([code, stdout], [0, 'served'], stderr)
}

const synTo = (dstport: number, family: Family = 4, srcport = 40_000) =>
  buildPacket(...world.headers(family), tcp({ srcport, dstport, options }))

/** What the program does with a packet that never was on the wire. */
const run = (data: Uint8Array) => inNetns(world.netns, () => world.stage.programs.syncookies.testRun({ data }))
const verdictOn = (data: Uint8Array) => run(data).result

const halfOpen = () =>
  inNetns(world.netns, () => command('ss', ['-HOtn', 'state', 'syn-recv']))
    .split('\n')
    .filter(Boolean).length

test('syncookies lets clients through to a web server', async () => {
  await world.attach()
  for (const family of families) {
    const [sent, valid] = [world.count('Sent'), world.count('Valid')]
    for (let i = 0; i < 5; i++) await curl(addresses[family].server)
    assert.ok(world.count('Sent') >= sent + 5)
    assert.ok(world.count('Valid') >= valid + 5)
  }
  assert.equal(world.count('Alarms'), 0)
})

test('syncookies leaves a SYN to the kernel whose ends closed a connection before it was there', async () => {
  for (const family of families) {
    const again = ['--http0.9', '--local-port', '41000']
    await curl(addresses[family].server, again, CLOSES)
    await world.attach()
    assumeClosed(world.stage.maps.closings.map, await calibrateClock())
    await curl(addresses[family].server, again, CLOSES)
    assert.equal(world.count('Sent'), 0)
    await curl(addresses[family].server)
    assert.equal(world.count('Sent'), 1, 'other ends get cookies')
    world.detach()
  }
})

test('syncookies answers behind one VLAN tag and behind two, which stay', async () => {
  await world.attach()
  for (const family of families)
    for (const tags of [[vlan({ id: 5 })], [vlan({ id: 6, tag: 0x88a8 }), vlan({ id: 7, priority: 3 })]]) {
      const [link, network] = world.headers(family)
      const frame = (segment: Parameters<typeof tcp>[0]) =>
        buildPacket(link, ...tags, network, tcp({ srcport: 40_000, dstport: HTTP, ...segment }))
      const { result, data } = run(frame({ options }))
      assert.equal(result, TX)
      const behind = 12 + 4 * tags.length
      assert.deepEqual(data!.slice(12, behind), frame({}).slice(12, behind))
      const untagged = Uint8Array.of(...data!.slice(0, 12), ...data!.slice(behind))
      const { hasValidChecksums, cookie } = readSynAck(untagged, family)
      assert.ok(hasValidChecksums && isSynAck(untagged, family, 40_000))
      const [valid, bad] = [world.count('Valid'), world.count('Bad')]
      assert.equal(run(frame({ flags: ACK, seq: 1, ack: (cookie + 1) >>> 0 })).result, PASS)
      assert.notEqual(run(frame({ flags: ACK, seq: 1, ack: cookie ^ 0x55 })).result, PASS)
      assert.deepEqual([world.count('Valid') - valid, world.count('Bad') - bad], [1, 1])
    }
})

test('syncookies sends cookies from a burst of SYNs on, until they are few again; a connection goes on all the time', async () => {
  const { hz } = await calibrateClock()
  const interval = BigInt(Math.round((hz / 100) * 65_536))
  await world.attach({ interval, calmInterval: 2n * interval, burst: 20n * interval, hold: BigInt(hz / 2) })
  const client = start(process.execPath, ['-e', CLIENT, String(ECHO), addresses[4].server], {
    netns: world.client,
    stdio: 'pipe',
  })
  const echoes = async (text: string) => {
    client.stdin!.write(text)
    const [answer] = await once(client.stdout!, 'data', { signal: AbortSignal.timeout(20_000) })
    assert.equal(String(answer), text)
  }
  try {
    await echoes('before')
    await curl(addresses[4].server)
    assert.deepEqual([world.count('Sent'), world.count('Alarms')], [0, 0])
    for (const port of [ECHO, HTTP])
      for (let tries = 0; tries < 100 && verdictOn(synTo(port)) !== TX; tries++)
        for (let i = 0; i < 30; i++) world.wire.send(synTo(port))
    assert.ok(world.count('Alarms') >= 2)
    const established = world.count('Established')
    await echoes('under attack')
    await curl(addresses[4].server)
    assert.ok(world.count('Established') > established)
    let sent = -1
    for (let tries = 0; tries < 200 && sent !== world.count('Sent'); tries++) {
      await sleep(100)
      sent = world.count('Sent')
      await curl(addresses[4].server)
    }
    assert.equal(world.count('Sent'), sent)
    await echoes('after')
  } finally {
    await stop(client)
  }
})

test('syncookies drops ACKs that answer no cookie, and the server hears nothing of them', async () => {
  await world.attach()
  for (const family of families) {
    const bad = world.count('Bad')
    for (const [i, flags] of [ACK, ACK | 0x08, ACK | 0x01, ACK | 0x20].entries())
      world.wire.send(
        buildPacket(...world.headers(family), tcp({ srcport: 41_000 + i, dstport: HTTP, flags, seq: 5, ack: 77 })),
      )
    const l4 = family === 4 ? 34 : 54
    const isReset = (frame: Uint8Array) =>
      (frame[l4 + 13]! & 0x04) !== 0 && new DataView(frame.buffer).getUint16(l4 + 2) >> 2 === 41_000 >> 2
    let resets = 0
    world.wire.ask(synTo(HTTP, family), (frame) => {
      resets += Number(isReset(frame))
      return isSynAck(frame, family, 40_000)
    })
    assert.deepEqual([world.count('Bad') - bad, world.count('Valid'), resets], [4, 0, 0])
  }
})

test('syncookies leaves a port without a listener to the kernel, which refuses', async () => {
  await world.attach()
  for (const family of families) {
    const flags = family === 4 ? 47 : 67
    const answer = world.wire.ask(synTo(CLOSED, family), (frame) => (frame[flags]! & 0x14) === 0x14)
    assert.equal(new DataView(answer.buffer).getUint16(family === 4 ? 34 : 54), CLOSED)
  }
  assert.equal(world.count('Sent'), 0)
})

test('syncookies keeps nothing of a flood of SYNs, unlike the kernel', async () => {
  try {
    const flood = () => {
      for (let i = 0; i < 500; i++) {
        const segment = tcp({ srcport: 1024 + i, dstport: HTTP, options })
        const [link] = world.headers(4)
        world.wire.send(
          buildPacket(link, ipv4({ src: `10.98.0.${10 + (i % 200)}`, dst: addresses[4].server }), segment),
        )
        world.wire.send(
          buildPacket(link, ipv6({ src: `fd98::1:${i.toString(16)}`, dst: addresses[6].server }), segment),
        )
      }
    }
    await world.attach()
    flood()
    for (let tries = 0; tries < 500 && world.count('Sent') < 1000; tries++) await sleep(10)
    assert.deepEqual([world.count('Sent'), halfOpen()], [1000, 0])
    for (const family of families) await curl(addresses[family].server)
    world.detach()
    writeSysctl(world.netns, 'net.ipv4.tcp_syncookies', '1')
    flood()
    for (let tries = 0; tries < 500 && halfOpen() === 0; tries++) await sleep(10)
    assert.notEqual(halfOpen(), 0)
  } finally {
    writeSysctl(world.netns, 'net.ipv4.tcp_syncookies', '2')
  }
})

test('syncookies passes on what is cut short or has an impossible header length', async () => {
  await world.attach()
  for (const family of families) {
    const syn = synTo(HTTP, family)
    const l4 = family === 4 ? 34 : 54
    assert.equal(verdictOn(syn), TX)
    for (let length = 14; length < syn.length; length++)
      assert.equal(verdictOn(syn.slice(0, length)), PASS, `${length}`)
    for (let words = 0; words < 16; words++) {
      const odd = Uint8Array.from(syn)
      odd[l4 + 12] = words << 4
      assert.equal(verdictOn(odd), words >= 5 && words <= 10 ? TX : PASS, `${words} words`)
    }
    for (const offset of [14, 15, 16, 17, 20, 21]) {
      for (let value = 0; value < 256; value++) {
        const odd = Uint8Array.from(syn)
        odd[offset] = value
        assert.notEqual(verdictOn(odd), ABORTED, `${value} at ${offset}`)
      }
    }
  }
})

test('syncookies answers or passes on whatever is in the options of a frame of any length', async () => {
  await world.attach()
  let state = 0x5ea3a11
  const random = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const kinds = [0, 1, 2, 3, 4, 8, 34, 253]
  for (let i = 0; i < 4000; i++) {
    const bytes = Uint8Array.from({ length: (random() % 11) * 4 }, () =>
      random() % 2 === 0 ? kinds[random() % kinds.length]! : random() % 12,
    )
    const segment = tcp({ dstport: HTTP, options: bytes })
    const frame = buildPacket(...world.headers(families[i % 2]!), segment, 'x'.repeat(random() % 60))
    assert.equal(verdictOn(frame), TX, Buffer.from(bytes).toString('hex'))
    const length = Math.max(14, random() % frame.length)
    assert.ok([PASS, TX].includes(verdictOn(frame.slice(0, length))), `${length} bytes`)
  }
})

test('syncookies answers a SYN with IP options as one without', async () => {
  await world.attach()
  const ends = { src: addresses[4].frames, dst: addresses[4].server }
  const link = ethernet({ src: CLIENT_MAC, dst: SERVER_MAC })
  for (const length of [4, 20, 40]) {
    const syn = buildPacket(
      link,
      ipv4({ ...ends, options: new Uint8Array(length).fill(1) }),
      tcp({ dstport: HTTP, options }),
    )
    const reply = world.wire.ask(syn, (frame) => isSynAck(frame, 4, 40_000))
    const { hasValidChecksums, ack } = readSynAck(reply, 4)
    assert.deepEqual([hasValidChecksums, ack], [true, 1])
  }
  assert.equal(world.count('Sent'), 3)
})

test('syncookies passes fragments and IPv6 extension headers on', async () => {
  await world.attach()
  const link = ethernet({ src: CLIENT_MAC, dst: SERVER_MAC })
  const segment = tcp({ dstport: HTTP, options })
  const four = { src: addresses[4].frames, dst: addresses[4].server }
  const six = ipv6({ src: addresses[6].frames, dst: addresses[6].server })
  const frames = [
    buildPacket(link, ipv4({ ...four, flags: 1 }), segment),
    buildPacket(link, ipv4({ ...four, fragmentOffset: 8 }), segment),
    buildPacket(link, six, fragment({ more: true }), segment),
    buildPacket(link, six, extension(0), segment),
  ]
  for (const frame of frames) assert.equal(verdictOn(frame), PASS)
  assert.equal(world.count('Sent'), 0)
})
