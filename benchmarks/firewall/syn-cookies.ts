import { load, Program } from '../../src/bpf/index.ts'
import { calibrateClock } from '../../src/firewall/clock.ts'
import { timing } from '../../src/firewall/syn-cookies/stage.ts'
import { syncookies } from '../../src/generated/syncookies.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, ethernet, ipv4, ipv6, tcp } from '../../src/net/build.ts'
import { Assembler, r0, r1, r2, r3 } from '../../src/rules/asm/index.ts'
import { Xdp } from '../../src/rules/compile/index.ts'
import { Feeds } from '../../tests/support/feeds.ts'
import { tcpServerIn } from '../../tests/support/sockets.ts'
import type { BenchRun } from '../harness/bench.ts'
import { measureTestRun } from '../harness/measure-test-run.ts'
import { judge, type Result } from '../harness/result.ts'

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

/** Lengths of headers, bytes. */
const ETHERNET = 14
const TCP = 20

/** Bytes of Ethernet and IP headers, and the number of bpf_tcp_raw_check_syncookie_ipv4() or _ipv6() (linux/bpf.h). */
const FAMILIES = {
  IPv4: { network: ipv4({ src: '127.0.0.2', dst: '127.0.0.1' }), l4: 34, check: 206 },
  IPv6: { network: ipv6({ src: '::1', dst: '::1' }), l4: 54, check: 207 },
} as const
type Family = (typeof FAMILIES)[keyof typeof FAMILIES]

interface Case {
  readonly name: string
  readonly packet: Uint8Array
  readonly verdict: number
  readonly target: number | null
  /** What is measured instead of the stage. */
  readonly program?: Program
}

/**
 * T8 and T9: a SYN to a listener answered, an ACK with a cookie let through; nanoseconds above a bare XDP_DROP of the same packet. What
 * of the latter is the kernel's check of the cookie, which nothing can do without, is measured beside it.
 */
export async function* aboutSynCookies({ runs, repeat }: BenchRun): AsyncGenerator<Result> {
  const netns = `seawall-bench-${process.pid}-cookies`
  createNetns(netns)
  writeSysctl(netns, 'net.ipv4.tcp_syncookies', '2')
  const server = tcpServerIn(netns, PORT)
  using loaded = await load(syncookies, { config: { ...timing({ rate: 0 }, await calibrateClock()), ...OFFER } })
  const feeds = await Feeds.create({ expectedAttachType: 'xdp' })
  const { syncookies: stage } = loaded.programs
  try {
    const answer = (data: Uint8Array): Uint8Array => inNetns(netns, () => stage.testRun({ data }).data!)
    for await (const { name, packet, verdict, target, program = stage } of cases(answer)) {
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

async function* cases(answer: (syn: Uint8Array) => Uint8Array): AsyncGenerator<Case> {
  for (const [name, family] of Object.entries(FAMILIES)) {
    const { network, l4 } = family
    const segment = { srcport: 4242, dstport: PORT }
    const syn = buildPacket(ethernet(), network, tcp({ ...segment, options }))
    yield { name: `T8 SYN cookie reply, ${name}`, packet: syn, verdict: XDP_TX, target: 140 }
    const cookie = new DataView(Uint8Array.from(answer(syn)).buffer).getUint32(l4 + 4)
    const ack = tcp({ ...segment, flags: ACK, seq: 1, ack: (cookie + 1) >>> 0 })
    const packet = buildPacket(ethernet(), network, ack)
    using program = await loadCheck(family)
    yield { name: `T9 the kernel's check alone, ${name}`, packet, verdict: Xdp.pass, target: null, program }
    yield { name: `T9 ACK cookie check, ${name}`, packet, verdict: Xdp.pass, target: 70 }
  }
}

/** Passes packets with a valid cookie, where headers are as long as they are here, and looks at nothing else. */
function loadCheck({ l4, check }: Family): Promise<Program> {
  const asm = new Assembler()
  const out = asm.label('out')
  asm.load('u32', r3, r1, 0)
  asm.load('u32', r0, r1, 4)
  asm.mov(r2, r3)
  asm.alu('add', r2, l4)
  asm.mov(r1, r3)
  asm.alu('add', r1, ETHERNET)
  asm.alu('add', r3, l4 + TCP)
  asm.jumpIf(r3, '>', r0, out)
  asm.call(check)
  asm.jumpIf(r0, '!=', 0, out)
  asm.mov(r0, Xdp.pass)
  asm.exit()
  asm.bind(out)
  asm.mov(r0, Xdp.drop)
  asm.exit()
  const instructions = asm.assemble(() => 0)
  return Program.load({ type: 'xdp', name: 'check', instructions, license: 'Dual BSD/GPL', expectedAttachType: 'xdp' })
}
