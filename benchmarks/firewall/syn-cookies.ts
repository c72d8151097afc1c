import { load, type Program } from '../../src/bpf/index.ts'
import { calibrateClock } from '../../src/firewall/clock.ts'
import { timing } from '../../src/firewall/syn-cookies/stage.ts'
import { syncookies } from '../../src/generated/syncookies.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, type Content, ethernet, ipv4, ipv6, tcp } from '../../src/net/build.ts'
import { Xdp } from '../../src/rules/compile/index.ts'
import { tcpServerIn } from '../../tests/support/sockets.ts'
import type { BenchRun } from '../harness/bench.ts'
import { measureTestRun } from '../harness/measure-test-run.ts'
import { judge, type Result } from '../harness/result.ts'
import { Feeds } from './feeds.ts'

/** What a host with an MTU of 1500 offers. */
const OFFER = {
  mss4: 1460,
  mss6: 1440,
  window4: 65_160,
  window6: 64_260,
  wscale: 7,
  useWscale: 1,
  useSack: 1,
  useTimestamps: 1,
  useEcn: 1,
} as const

/** As Linux sends it: MSS, SACK, timestamp, NOP, scale. */
const options = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)

const PORT = 80
const ACK = 0x10
const XDP_TX = 3

interface Case {
  readonly name: string
  readonly packet: Uint8Array
  readonly verdict: number
  readonly target: number
}

/** T8 and T9: a SYN to a listener answered, an ACK with a cookie let through; nanoseconds above a bare XDP_DROP of the same packet. */
export async function* aboutSynCookies({ runs, repeat }: BenchRun): AsyncGenerator<Result> {
  const netns = `seawall-bench-${process.pid}-cookies`
  createNetns(netns)
  writeSysctl(netns, 'net.ipv4.tcp_syncookies', '2')
  const server = tcpServerIn(netns, PORT)
  using loaded = await load(syncookies, { config: { ...timing({ rate: 0 }, await calibrateClock()), ...OFFER } })
  const feeds = await Feeds.create({ expectedAttachType: 'xdp' })
  const { syncookies: program } = loaded.programs
  try {
    for (const { name, packet, verdict, target } of cases((data) =>
      inNetns(netns, () => program.testRun({ data }).data!),
    )) {
      const measure = (measured: Program, expect: number) =>
        feeds.restoring(packet, measured, (feed) =>
          inNetns(netns, () => measureTestRun(feed, packet, { runs, repeat, expect })),
        )
      const floor = await measure(feeds.drop, Xdp.drop)
      const value = await measure(program, verdict)
      yield judge({ bench: 'firewall', unit: 'ns', case: name, keys: 'hot', floor, value, target })
    }
  } finally {
    feeds.close()
    server.close()
    removeNetns(netns)
  }
}

function* cases(reply: (syn: Uint8Array) => Uint8Array): Generator<Case> {
  const networks: readonly (readonly [string, Content, number])[] = [
    ['IPv4', ipv4({ src: '127.0.0.2', dst: '127.0.0.1' }), 34],
    ['IPv6', ipv6({ src: '::1', dst: '::1' }), 54],
  ]
  for (const [family, network, l4] of networks) {
    const segment = { srcport: 4242, dstport: PORT }
    const syn = buildPacket(ethernet(), network, tcp({ ...segment, options }))
    yield { name: `T8 SYN cookie reply, ${family}`, packet: syn, verdict: XDP_TX, target: 140 }
    const cookie = new DataView(Uint8Array.from(reply(syn)).buffer).getUint32(l4 + 4)
    const ack = tcp({ ...segment, flags: ACK, seq: 1, ack: (cookie + 1) >>> 0 })
    const packet = buildPacket(ethernet(), network, ack)
    yield { name: `T9 ACK cookie check, ${family}`, packet, verdict: Xdp.pass, target: 70 }
  }
}
