import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { removePins } from '../../src/entry/pins.ts'
import { attachToSockets, detachFromSockets, listAttachments } from '../../src/firewall/sockets/attachments.ts'
import { socketsFolder } from '../../src/firewall/sockets/socket-pins.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { buildPacket, ethernet, ipv4, udp } from '../../src/net/build.ts'
import { parseRules } from '../../src/rules/index.ts'
import { UdpProcess } from '../support/udp-process.ts'
import { Wire } from '../support/wire.ts'

/** Set SEAWALL_SOCKETS for fewer, a multiple of 10. */
const SOCKETS = Number(process.env.SEAWALL_SOCKETS ?? 30_000)
const FIRST = 20_000
const LAST = FIRST + SOCKETS - 1
/** Two processes, because one may have fewer descriptors open. */
const MIDDLE = FIRST + SOCKETS / 2 - 1
const FLOODED = FIRST + 1_333
const RATE = 1_000

/** A machine without the speed to flood all the time, see tests/vm. */
const emulated = process.env.SEAWALL_EMULATED === '1'

const paths = {
  bpf: `/sys/fs/bpf/seawall-many-${process.pid}`,
  run: mkdtempSync(join(tmpdir(), 'seawall-')),
  netns: `seawall-many-${process.pid}`,
}

const passed = (): number => listAttachments(paths)[0]!.counters.verdicts.pass.packets

test(`a limit in front of each of ${SOCKETS} sockets is exact for one that is flooded, and the others lose nothing`, async (t) => {
  mountBpffs()
  const wire = await Wire.create(paths.netns)
  const servers: UdpProcess[] = []
  try {
    for (const [from, to] of [
      [FIRST, MIDDLE],
      [MIDDLE + 1, LAST],
    ] as const)
      servers.push(await UdpProcess.start(wire.netns, from, to))
    const packet = (dstport: number) =>
      buildPacket(
        ethernet({ dst: wire.mac }),
        ipv4({ src: '10.9.9.9', dst: '10.0.0.1' }),
        udp({ srcport: 9, dstport, checksum: 0 }),
        'x',
      )
    await wire.prepareSweep(packet(FIRST), { what: 'ports', from: FIRST, to: LAST })
    const flood = packet(FLOODED)
    const rules = parseRules(`limit ${RATE}/s burst ${2 * RATE} per udp.dstport if udp`)
    const { sockets } = await attachToSockets(paths, {
      name: 'many',
      rules: { rules, sets: new Map(), malformed: 'drop' },
      sockets: { ports: [FIRST, LAST], protocol: 'udp' },
    })
    assert.equal(sockets.length, SOCKETS)
    // Spends what is saved up, so that from here to there only the rate is admitted. A pause of the flood costs nothing unless it is longer than the burst.
    const read = () => {
      wire.receive(flood, 3 * RATE)
      return { at: process.hrtime.bigint(), packets: passed() }
    }
    const first = read()
    let swept = 0
    const end = first.at + 3_000_000_000n
    while (process.hrtime.bigint() < end || swept < 2 * SOCKETS) {
      wire.receive(flood, 500)
      if (swept < 2 * SOCKETS) {
        wire.sweep(SOCKETS / 10)
        swept += SOCKETS / 10
      }
      await nextTurn()
    }
    const last = read()
    // The flooded socket got two of the others' packets, which its limit dropped, as it always has nothing left.
    const admitted = last.packets - first.packets - (swept - 2)
    const rate = (admitted * 1e9) / Number(last.at - first.at)
    t.diagnostic(`${rate.toFixed(1)} packets a second admitted to the flooded socket, wanted ${RATE}`)
    const least = emulated ? 0 : RATE * 0.99
    assert.ok(rate >= least && rate <= RATE * 1.01, `${rate} a second, wanted ${RATE} within 1 %`)
    const counts = await allCounts(servers, swept - 2)
    const wrong = Object.entries(counts).filter(([port, count]) => Number(port) !== FLOODED && count !== 2)
    assert.deepEqual(wrong, [])
  } finally {
    for (const { name } of listAttachments(paths)) await detachFromSockets(paths, name)
    for (const server of servers) await server.stop()
    removePins(socketsFolder(paths))
    rmSync(paths.run, { recursive: true })
    wire.close()
  }
})

/** Packets by port, once the sockets that are not flooded have been read. */
async function allCounts(servers: readonly UdpProcess[], wanted: number): Promise<Record<number, number>> {
  for (let waited = 0; ; waited += 50) {
    const counts = Object.assign({}, ...(await Promise.all(servers.map((server) => server.counts())))) as Record<
      number,
      number
    >
    const sum = Object.entries(counts).reduce((sum, [port, count]) => sum + (Number(port) === FLOODED ? 0 : count), 0)
    if (sum >= wanted || waited >= 60_000) return counts
    await sleep(50)
  }
}
