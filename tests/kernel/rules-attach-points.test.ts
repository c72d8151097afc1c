import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BpfError, VerifierError } from '../../src/bpf/index.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { command } from '../../src/linux/command.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { descriptorOf } from '../../src/linux/node-sockets.ts'
import { buildPacket, ethernet, ipv4, ipv6, udp } from '../../src/net/build.ts'
import type { Expr, RuleSet } from '../../src/rules/ast.ts'
import { bytecode, type ClassicProgram, readsEthernetAddresses } from '../../src/rules/classic/index.ts'
import { CompileError, Xdp } from '../../src/rules/compile/index.ts'
import { malformedSlot, PASSED_BY_DEFAULT } from '../../src/rules/counters.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import { formatRule, parseRule, parseRules } from '../../src/rules/index.ts'
import { type RandomCase, randomCase, setsOf } from '../arbitraries/case.ts'
import { localPacket } from '../arbitraries/local-packet.ts'
import { Random } from '../arbitraries/random.ts'
import { RuleMaker, setNames } from '../arbitraries/rule.ts'
import { type LoadedRules, loadRules, slotOf } from '../support/load-rules.ts'
import { tcpServerIn, udpSocketIn } from '../support/sockets.ts'
import { Wire } from '../support/wire.ts'

/** Set SEAWALL_PAIRS for a longer run, and SEAWALL_SEED to begin elsewhere. */
const WANTED_PAIRS = Number(process.env.SEAWALL_PAIRS ?? 20_000)
/** Rule sets in front of sockets, with 400 packets each. */
const SOCKET_SEEDS = Math.max(2, Math.floor(WANTED_PAIRS / 1_600))
const FIRST_SEED = Number(process.env.SEAWALL_SEED ?? 1)

const PORT = 53

/** The slot that decides by the evaluator, and what becomes of the packet. */
function expected(ruleSet: RuleSet, packet: Uint8Array, sets: ReturnType<typeof setsOf>) {
  const { verdict, reason, malformed, rule } = evaluate(ruleSet, packet, { sets })
  if (reason === 'default') return { slot: PASSED_BY_DEFAULT, verdict }
  if (reason === 'malformed') return { slot: malformedSlot[malformed!], verdict }
  return { slot: slotOf(ruleSet.rules.findIndex(({ id }) => id === rule)), verdict }
}

/** Rules that ask for what iptables and sockets have no more. */
function asksForFrame(expr: Expr): boolean {
  const text = formatRule({ id: 'x', action: { kind: 'drop' }, when: expr })
  return /\b(eth\.(src|dst)|vlan)\b/.test(text) || filtersIn(expr).some(readsEthernetAddresses)
}

/** What the tcpdump expressions of a rule were compiled to. */
function filtersIn(expr: Expr): ClassicProgram[] {
  if (expr.kind === 'and' || expr.kind === 'or') return expr.terms.flatMap(filtersIn)
  if (expr.kind === 'not') return filtersIn(expr.term)
  return expr.kind === 'pcap' ? [expr.program] : []
}

async function tryLoad(ruleSet: RuleSet, options: Parameters<typeof loadRules>[1]): Promise<LoadedRules | undefined> {
  try {
    return await loadRules(ruleSet, options)
  } catch (error) {
    if (error instanceof CompileError) return undefined
    if (error instanceof VerifierError && error.log.some((line) => line.includes('BPF program is too large')))
      return undefined
    throw error
  }
}

/** What a test run makes an skb of: more than an Ethernet header, with no length where the EtherType belongs, and a whole IP header if there is one. */
function makesSkb(packet: Uint8Array): boolean {
  const type = new DataView(packet.buffer, packet.byteOffset).getUint16(12)
  return packet.length >= (type === 0x0800 ? 34 : type === 0x86dd ? 54 : 15) && type >= 0x600
}

/** Runs all packets that a test run takes; returns how many. */
function compare(loaded: LoadedRules, ruleSet: RuleSet, random: RandomCase): number {
  const sets = setsOf(random.sets)
  const packets = random.packets.filter(makesSkb)
  for (const packet of packets) {
    const { result } = loaded.program.testRun({ data: packet })
    const found = { slot: loaded.takeTrace()?.slot, verdict: result === 0 ? 'pass' : 'drop' }
    const wanted = expected(ruleSet, packet, sets)
    assert.deepEqual(found, wanted, `seed ${random.seed}, packet ${Buffer.from(packet).toString('hex')}`)
  }
  return packets.length
}

test('compile for xt_bpf agrees with the evaluator on random rule sets and packets', async (t) => {
  let pairs = 0
  let refused = 0
  let seed = FIRST_SEED
  for (; pairs < WANTED_PAIRS; seed++) {
    const random = randomCase(seed, { packets: Math.min(4096, WANTED_PAIRS / 4), minLength: 15 })
    const ruleSet = { ...random.ruleSet, rules: random.ruleSet.rules.filter(({ when }) => !asksForFrame(when)) }
    const loaded = await tryLoad(ruleSet, { attach: 'xt_bpf', sets: random.sets, trace: true })
    if (loaded === undefined) {
      refused++
      continue
    }
    try {
      pairs += compare(loaded, ruleSet, random)
    } finally {
      loaded.close()
    }
  }
  t.diagnostic(`${pairs} pairs agree, seeds ${FIRST_SEED} to ${seed - 1}; ${refused} rule sets refused as too complex`)
  assert.ok(refused * 4 < seed - FIRST_SEED, `${refused} of ${seed - FIRST_SEED} rule sets were too complex`)
})

test('compile refuses fields of the frame where there is none, and names rule and field', async () => {
  const ruleSet: RuleSet = {
    rules: [{ ...parseRule('drop if udp and not vlan.id == 5'), id: 'tagged' }],
    malformed: 'drop',
  }
  for (const attach of ['socket', 'xt_bpf'] as const)
    await assert.rejects(loadRules(ruleSet, { attach }), { code: 'not_there', message: /rule "tagged".*"vlan.id"/ })
  const filter = parseRule('drop if pcap("ether host 2:0:0:0:0:1")')
  const filters: RuleSet = { rules: [{ ...filter, id: 'host' }], malformed: 'drop' }
  await assert.rejects(loadRules(filters, { attach: 'socket' }), { code: 'not_there', message: /"host".*"eth.addr"/ })
  ;(await loadRules(ruleSet)).close()
})

/** Rules that often match packets for a socket, and the packets. */
function socketCase(seed: number, wire: Wire, protocol: 'udp' | 'tcp') {
  const random = new Random(seed)
  const packets = Array.from({ length: 400 }, () => localPacket(random, { protocol, port: PORT, mac: wire.mac }))
  const maker = new RuleMaker(random, packets)
  const whens = random.list(1, 12, () => maker.expr()).filter((when) => !asksForFrame(when))
  const ruleSet: RuleSet = { rules: whens.map((when, index) => maker.rule(`r${index}`, when)), malformed: 'drop' }
  return { ruleSet, packets, sets: new Map(setNames.map((name) => [name, random.list(1, 9, () => maker.prefix())])) }
}

/** Frames that differ for the interface only: the padding of short ones is no part of the packet. */
const padded = (packet: Uint8Array): Uint8Array =>
  packet.length >= 60 ? packet : Buffer.concat([packet, new Uint8Array(60 - packet.length)])

/** Before Linux 6.8 a socket has less room, and refuses long programs. */
function attaches(loaded: LoadedRules, socket: number): boolean {
  try {
    loaded.program.attachSocket(socket)
    return true
  } catch (error) {
    if (!(error instanceof BpfError) || error.errno !== 'ENOMEM') throw error
    loaded.close()
    return false
  }
}

for (const protocol of ['udp', 'tcp'] as const)
  test(`compile for ${protocol.toUpperCase()} sockets agrees with the evaluator on packets that the kernel delivers`, async (t) => {
    const wire = await Wire.create(`seawall-attach-${protocol}-${process.pid}`)
    const socket = protocol === 'udp' ? udpSocketIn(wire.netns, PORT) : tcpServerIn(wire.netns, PORT)
    let [sent, seen] = [0, 0]
    try {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SOCKET_SEEDS; seed++) {
        const { ruleSet, packets, sets } = socketCase(seed, wire, protocol)
        const loaded = await tryLoad(ruleSet, { attach: 'socket', sets, trace: true })
        if (loaded === undefined) continue
        if (!attaches(loaded, descriptorOf(socket))) continue
        for (const packet of packets) {
          wire.receive(padded(packet))
          const found = loaded.takeTrace()
          sent++
          if (found === undefined) continue
          seen++
          const { slot, verdict } = expected(ruleSet, packet, setsOf(sets))
          const wanted = { slot, verdict: Xdp[verdict] }
          assert.deepEqual(found, wanted, `seed ${seed}, packet ${Buffer.from(packet).toString('hex')}`)
        }
        loaded.close()
      }
    } finally {
      socket.close()
      wire.close()
    }
    t.diagnostic(`${seen} pairs agree; the kernel itself dropped ${sent - seen}`)
    assert.ok(sent > 0 && seen > 0.99 * sent, `${seen} of ${sent} packets came to the socket`)
  })

/** Addresses that are not the test's own are answered to by nobody. */
const query = (wire: Wire, text: string, version: 4 | 6 = 4) =>
  buildPacket(
    ethernet({ dst: wire.mac }),
    version === 4 ? ipv4({ src: '10.9.9.9', dst: '10.0.0.1' }) : ipv6({ src: '2001:db8::9', dst: '2001:db8::1' }),
    udp({ srcport: 999, dstport: PORT }),
    text,
  )

for (const variant of ['nft', 'legacy'] as const)
  test(`compile for xt_bpf drops real packets in iptables-${variant}, in and out, and counts by rule`, async () => {
    mountBpffs()
    const wire = await Wire.create(`seawall-attach-${variant}-${process.pid}`)
    const pin = `/sys/fs/bpf/seawall-test-xt-${process.pid}`
    const ruleSet: RuleSet = {
      rules: parseRules(['bad: drop if udp.payload contains "bad"', 'v6: drop if ipv6 and udp', 'all: count if udp']),
      malformed: 'drop',
    }
    const rules = await loadRules(ruleSet, { attach: 'xt_bpf' })
    const socket = udpSocketIn(wire.netns, PORT)
    let received = 0
    socket.on('message', () => received++)
    try {
      rules.program.pin(pin)
      for (const [tables, chain] of [
        ['iptables', 'INPUT'],
        ['ip6tables', 'INPUT'],
        ['iptables', 'OUTPUT'],
      ] as const) {
        const args = ['-A', chain, '-m', 'bpf', '--object-pinned', pin, '-j', 'DROP']
        inNetns(wire.netns, () => command(`${tables}-${variant}`, args))
      }
      for (const packet of [query(wire, 'good'), query(wire, 'a bad one'), query(wire, 'good', 6)]) wire.receive(packet)
      const out = await new Promise<Error | null>((resolve) => socket.send('bad', 9, '::ffff:10.0.0.7', resolve))
      assert.equal((out as NodeJS.ErrnoException | null)?.code, 'EPERM')
      for (let waited = 0; received < 1 && waited < 5_000; waited += 5) await sleep(5)
      assert.equal(received, 1)
      assert.deepEqual(
        [0, 1, 2].map((index) => rules.packets(slotOf(index))),
        [2, 1, 1],
      )
    } finally {
      socket.close()
      rmSync(pin, { force: true })
      rules.close()
      wire.close()
    }
  })

test('bytecode() matches in iptables and ip6tables what pcap() matches in a rule', async () => {
  const wire = await Wire.create(`seawall-attach-bytecode-${process.pid}`)
  const socket = udpSocketIn(wire.netns, PORT)
  const texts: string[] = []
  socket.on('message', (message) => texts.push(String(message)))
  try {
    for (const [tables, version] of [
      ['iptables', 4],
      ['ip6tables', 6],
    ] as const) {
      const text = version === 4 ? 'udp port 53 and udp[8] = 0x62' : 'ip6[48] = 0x62 and len < 100'
      const args = ['-A', 'INPUT', '-m', 'bpf', '--bytecode', bytecode(text, version), '-j', 'DROP']
      inNetns(wire.netns, () => command(tables, args))
    }
    for (const version of [4, 6] as const)
      for (const text of [`bad ${version}`, `good ${version}`]) wire.receive(query(wire, text, version))
    for (let waited = 0; texts.length < 2 && waited < 5_000; waited += 5) await sleep(5)
    assert.deepEqual(texts, ['good 4', 'good 6'])
  } finally {
    socket.close()
    wire.close()
  }
})
