import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../src/linux/command.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { buildPacket, tcp } from '../../src/net/build.ts'
import { commonCases, oddCases, type SynCase, TSVAL } from './firewall-syn-cookies-cases.ts'
import { isSynAck, readSynAck, type SynAck } from './firewall-syn-cookies-reply.ts'
import { CookieWorld, type Family, families } from './firewall-syn-cookies-world.ts'

// Two servers with the same addresses: one answers by itself, in front of the other one is the stage. Cookies are made with secrets of the
// whole kernel, so both must give the same to the same SYN in the same minute.

const PORT = 80
const FIRST_PORT = 20_000
const SEQ = 0x0fffffff

let kernel: CookieWorld
let stage: CookieWorld

before(async () => {
  kernel = new CookieWorld('cookies-kernel')
  stage = new CookieWorld('cookies-stage')
  for (const world of [kernel, stage]) world.listen(PORT)
  await stage.attach()
})
after(() => {
  kernel?.remove()
  stage?.remove()
})

function synFrame(family: Family, srcport: number, { options, flags, tos = 0, reserved = 0, payload = '' }: SynCase) {
  const segment = tcp({ srcport, dstport: PORT, seq: SEQ, flags, options })
  const frame = buildPacket(...stage.headers(family, tos), segment, payload)
  if (reserved === 0) return frame
  const at = family === 4 ? 34 : 54
  frame[at + 12]! |= reserved
  const view = new DataView(frame.buffer)
  // RFC 1624: what one word of the sum gains, the checksum loses.
  const sum = view.getUint16(at + 16) - (reserved << 8)
  view.setUint16(at + 16, sum < 0 ? sum - 1 : sum)
  return frame
}

function ask(world: CookieWorld, family: Family, port: number, syn: SynCase): SynAck {
  const frame = world.wire.ask(synFrame(family, port, syn), (answer) => isSynAck(answer, family, port))
  return readSynAck(frame, family)
}

/** Both answers to a SYN, in the same minute: that of a cookie is in its upper bits. */
function answers(family: Family, port: number, syn: SynCase): readonly [SynAck, SynAck] {
  for (let tries = 2; ; tries--) {
    const both = [ask(kernel, family, port, syn), ask(stage, family, port, syn)] as const
    if (both[0].cookie === both[1].cookie || tries === 0) return both
  }
}

function acknowledge(world: CookieWorld, family: Family, srcport: number, { cookie, tsval }: SynAck): void {
  const stamps = new DataView(new ArrayBuffer(12))
  stamps.setUint32(0, 0x0101080a)
  stamps.setUint32(4, TSVAL + 1)
  stamps.setUint32(8, tsval ?? 0)
  const options = tsval === undefined ? {} : { options: new Uint8Array(stamps.buffer) }
  const ack = { srcport, dstport: PORT, flags: 0x10, seq: SEQ + 1, ack: (cookie + 1) >>> 0, ...options }
  world.wire.send(buildPacket(...world.headers(family), tcp(ack)))
}

/** What `ss` says of each connection by the client's port, as far as it comes from the handshake. */
function connections(world: CookieWorld): Map<number, string> {
  const told = /^(ts|sack|ecn|(wscale|mss|pmtu|rcvmss|advmss|rcv_ssthresh|rcv_space):.*)$/
  const lines = inNetns(world.netns, () => command('ss', ['-HOtin', 'state', 'established']))
    .trim()
    .split('\n')
  return new Map(
    lines.map((line) => {
      const words = line.split(/\s+/)
      return [Number(/\d+$/.exec(words[3]!)![0]), words.filter((word) => told.test(word)).join(' ')]
    }),
  )
}

async function untilAccepted(count: number): Promise<void> {
  for (let tries = 0; tries < 500 && Math.min(kernel.accepted, stage.accepted) < count; tries++) await sleep(10)
  assert.ok(Math.min(kernel.accepted, stage.accepted) >= count, 'connections are missing')
}

let nextPort = FIRST_PORT

async function compare(family: Family, cases: readonly SynCase[]): Promise<void> {
  const ports = new Map<number, string>()
  const accepted = Math.max(kernel.accepted, stage.accepted)
  const sent = stage.count('Sent')
  for (const syn of cases) {
    const port = nextPort++
    ports.set(port, syn.name)
    const [own, cookie] = answers(family, port, syn)
    assert.deepEqual({ ...cookie, tsval: undefined }, { ...own, tsval: undefined }, syn.name)
    assert.ok(cookie.hasValidChecksums, syn.name)
    acknowledge(kernel, family, port, own)
    acknowledge(stage, family, port, cookie)
  }
  assert.ok(stage.count('Sent') >= sent + cases.length)
  await untilAccepted(accepted + cases.length)
  const [own, cookie] = [connections(kernel), connections(stage)]
  for (const [port, name] of ports) {
    assert.ok(own.get(port)?.includes('mss:'), name)
    assert.equal(cookie.get(port), own.get(port), name)
  }
}

for (const family of families) {
  const [common, odd] = [commonCases(), oddCases()]
  test(`syncookies answers ${common.length} sets of options as the kernel does, IPv${family}`, async () => {
    await compare(family, common)
  })
  test(`syncookies answers ${odd.length} odd SYNs as the kernel does, IPv${family}`, async () => {
    await compare(family, odd)
  })
}
