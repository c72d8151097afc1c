import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { calibrateClock } from '../../src/firewall/clock.ts'
import { Firewall } from '../../src/firewall/index.ts'
import { command } from '../../src/linux/command.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { cutPacket, Fixture, pingPacket, udpPacket } from './firewall-fixture.ts'

const fixture = new Fixture('firewall')
afterEach(async () => {
  for (const one of opened.splice(0)) one.close()
  await fixture.reset()
})
after(() => fixture.remove())

const opened: Firewall[] = []
const firewall = () => {
  const one = new Firewall(fixture.paths)
  opened.push(one)
  return one
}

test('calibrateClock finds the tick rate of this kernel and where jiffies were at time 0', async () => {
  const { hz, jiffiesAtZero } = await calibrateClock()
  assert.ok([100, 250, 300, 1000].includes(hz))
  // INITIAL_JIFFIES lets them start five minutes below the 32-bit wrap.
  const start = BigInt.asUintN(32, BigInt(-300 * hz))
  assert.ok(jiffiesAtZero > start - 1000n && jiffiesAtZero < start + 1000n, `${jiffiesAtZero} is not near ${start}`)
})

test('Firewall.apply puts rules in force, and a packet gets the verdict of the first that decides', async () => {
  const rules = [
    { id: 'friends', pass: 'ip.src == 192.0.2.9' },
    { id: 'dns', drop: 'udp.dstport == 53' },
  ]
  const result = await firewall().apply(await fixture.config(rules))
  assert.equal(result.changed, true)
  assert.equal(result.plan.fresh, true)
  assert.equal(fixture.send(udpPacket(53)), 'drop')
  assert.equal(fixture.send(udpPacket(53, '192.0.2.9')), 'pass')
  assert.equal(fixture.send(udpPacket(54)), 'pass')
  const { interfaces } = firewall().status()
  assert.deepEqual(
    interfaces.map(({ name, mode, attached }) => ({ name, mode, attached })),
    [{ name: 'sea0', mode: 'native', attached: true }],
  )
})

test('Firewall.apply of what is in force changes nothing', async () => {
  const config = await fixture.config(['drop if udp'])
  const { generation } = await firewall().apply(config)
  const again = await firewall().apply(config)
  assert.deepEqual([again.changed, again.generation, again.plan.changes], [false, generation, []])
})

test('Firewall.counters accounts for every packet, by rule, reason and default', async () => {
  await firewall().apply(
    await fixture.config([
      { id: 'dns', drop: 'udp.dstport == 53' },
      { id: 'seen', count: 'ip' },
    ]),
  )
  fixture.send(udpPacket(53), 5)
  fixture.send(udpPacket(54), 7)
  fixture.send(cutPacket(), 3)
  const report = firewall().counters()
  const { length } = udpPacket(53)
  assert.deepEqual(report.rules, {
    dns: { packets: 5, bytes: 5 * length },
    seen: { packets: 7, bytes: 7 * length },
  })
  assert.equal(report.byDefault.packets, 7)
  assert.equal(report.malformed.ip_truncated?.packets, 3)
  assert.deepEqual([report.verdicts.drop.packets, report.verdicts.pass.packets], [8, 7])
  assert.equal(report.received.packets, 15)
  assert.equal(report.received.bytes, report.verdicts.drop.bytes + report.verdicts.pass.bytes)
})

test('Firewall.counters go on over reloads, also of rules that move, go and come back', async () => {
  const [a, b, c] = ['drop if udp.dstport == 1', 'drop if udp.dstport == 2', 'drop if udp.dstport == 3']
  const steps = [[a, b], [b, a], [b, c], [c], [a, c], [b], [a, b, c]]
  let sent = 0
  for (const rules of steps) {
    await firewall().apply(await fixture.config(rules))
    for (const port of [1, 2, 3, 4]) fixture.send(udpPacket(port), port)
    sent += 10
    const { received, verdicts } = firewall().counters()
    assert.equal(received.packets, sent)
    assert.equal(verdicts.drop.packets + verdicts.pass.packets, sent)
  }
  const { rules, retired, verdicts } = firewall().counters()
  const counted = Object.values(rules).reduce((sum, count) => sum + count.packets, 0)
  assert.equal(counted + retired.drop.packets, verdicts.drop.packets)
})

test('Firewall.counters credit malformed packets to the policy that was in force', async () => {
  await firewall().apply(await fixture.config([], { malformed: 'drop' }))
  fixture.send(cutPacket(), 4)
  await firewall().apply(await fixture.config([], { malformed: 'pass' }))
  assert.equal(fixture.send(cutPacket(), 6), 'pass')
  const { verdicts, malformed } = firewall().counters()
  assert.deepEqual([verdicts.drop.packets, verdicts.pass.packets, malformed.ip_truncated?.packets], [4, 6, 10])
})

test('Firewall.apply attaches and detaches interfaces with the rules, also those with dots in their names', async () => {
  await firewall().apply(await fixture.config(['drop if udp']))
  await firewall().apply(await fixture.config(['drop if udp'], { interfaces: ['sea0', 'sea2.7', 'lo'] }))
  const all = firewall().status().interfaces
  assert.deepEqual(
    all.map(({ name, mode, attached }) => `${name} ${mode} ${attached}`),
    ['sea0 native true', 'sea2.7 native true', 'lo generic true'],
  )
  // The loopback driver has no XDP of its own.
  assert.match(all[2]!.note!, /native/)
  await firewall().apply(await fixture.config(['drop if udp'], { interfaces: ['sea2.7'] }))
  const link = command('ip', ['-n', fixture.netns, '-json', 'link', 'show', 'sea0'])
  assert.ok(!link.includes('"xdp"'))
})

test('Firewall.apply changes the mode of an interface', async () => {
  for (const mode of ['native', 'generic', 'native'] as const) {
    await firewall().apply(await fixture.config(['drop if udp'], { interfaces: [{ name: 'sea0', mode }] }))
    const [status] = firewall().status().interfaces
    assert.deepEqual([status!.mode, status!.attached], [mode, true])
  }
})

test('Firewall protects real traffic from the first packet after an apply to the last before down', async () => {
  const peer = `${fixture.netns}-peer`
  createNetns(peer)
  try {
    ipBatch(fixture.netns, [
      `link add wet0 type veth peer name wet1 netns ${peer}`,
      'address add 10.98.0.1/24 dev wet0',
      'link set wet0 up',
    ])
    ipBatch(peer, ['address add 10.98.0.2/24 dev wet1', 'link set wet1 up'])
    // A closed port answers with a reset, if it is asked.
    const connect = ['1', 'bash', '-c', 'exec 3<>/dev/tcp/10.98.0.1/9']
    const answers = () => inNetns(peer, () => spawnSync('timeout', connect)).status === 1
    assert.equal(answers(), true)
    await firewall().apply(
      await fixture.config([{ id: 'discard', drop: 'tcp.dstport == 9' }], { interfaces: ['wet0'] }),
    )
    assert.equal(answers(), false)
    assert.ok(firewall().counters().rules.discard!.packets >= 1)
    await firewall().down()
    assert.equal(answers(), true)
  } finally {
    removeNetns(peer)
  }
})

test('Firewall.drop comes before configured rules, survives a reload, and expires in the data path', async () => {
  await firewall().apply(await fixture.config(['pass if udp']))
  const rule = await firewall().drop({ expr: 'udp.dstport == 99', id: 'now', forMs: 5_000 })
  assert.equal(rule.dynamic, true)
  assert.ok(rule.expiresInMs! > 0 && rule.expiresInMs! <= 5_000)
  assert.equal(fixture.send(udpPacket(99)), 'drop')
  await firewall().apply(await fixture.config(['pass if udp', 'drop if tcp']))
  assert.equal(fixture.send(udpPacket(99)), 'drop')
  assert.equal(firewall().rules()[0]!.id, 'now')
  while (firewall().rules()[0]!.expiresInMs! > 0) await sleep(100)
  await sleep(20)
  // Nobody did anything: the program itself knows.
  assert.equal(fixture.send(udpPacket(99)), 'pass')
  assert.equal(await firewall().collectExpired(), 1)
  assert.equal(firewall().rules().length, 2)
  assert.equal(await firewall().collectExpired(), 0)
})

test('Firewall.undo takes back a dynamic rule and nothing else', async () => {
  await firewall().apply(await fixture.config([{ id: 'mine', drop: 'tcp' }]))
  const { id } = await firewall().drop({ expr: 'icmp' })
  assert.equal(fixture.send(pingPacket()), 'drop')
  await assert.rejects(firewall().drop({ expr: 'icmp', id }), { code: 'SEAWALL_DUPLICATE_RULE' })
  await assert.rejects(firewall().undo('mine'), { code: 'SEAWALL_UNKNOWN_RULE', message: /configured rule/ })
  await assert.rejects(firewall().undo('none'), { code: 'SEAWALL_UNKNOWN_RULE', message: new RegExp(id) })
  assert.equal((await firewall().undo(id)).count.packets, 1)
  assert.equal(fixture.send(pingPacket()), 'pass')
  assert.equal(firewall().counters().verdicts.drop.packets, 1)
})

test('Firewall.drop refuses an expression with a caret under the mistake', async () => {
  await firewall().apply(await fixture.config([]))
  await assert.rejects(firewall().drop({ expr: 'udp.dstprt == 1' }), { code: 'SEAWALL_INPUT', message: /\^/ })
  await assert.rejects(firewall().drop({ expr: 'udp', forMs: -1 }), { code: 'SEAWALL_INPUT' })
})

test('Firewall.changeSet changes one element in place, and others find it there', async () => {
  const sets = { bad: ['192.0.2.0/24', '2001:db8::/32'] }
  await firewall().apply(await fixture.config(['drop if ip.src in $bad'], { sets }))
  const { generation } = firewall().status()
  assert.equal(fixture.send(udpPacket(1, '203.0.113.5')), 'pass')
  assert.equal(await firewall().changeSet('bad', 'add', '203.0.113.0/24'), true)
  assert.equal(fixture.send(udpPacket(1, '203.0.113.5')), 'drop')
  assert.equal(await firewall().changeSet('bad', 'add', '203.0.113.0/24'), false)
  assert.deepEqual(firewall().contains('bad', ['203.0.113.7', '203.0.114.7']), [true, false])
  assert.equal(await firewall().changeSet('bad', 'delete', '192.0.2.0/24'), true)
  assert.equal(await firewall().changeSet('bad', 'delete', '192.0.2.0/24'), false)
  assert.equal(fixture.send(udpPacket(1, '192.0.2.1')), 'pass')
  assert.deepEqual(
    firewall()
      .sets()
      .map(({ name, prefixes }) => [name, prefixes]),
    [['bad', 2]],
  )
  assert.equal(firewall().status().generation, generation)
})

test('Firewall.changeSet keeps its changes over a reload of other things', async () => {
  const sets = { bad: ['192.0.2.0/24'] }
  await firewall().apply(await fixture.config(['drop if ip.src in $bad'], { sets }))
  await firewall().changeSet('bad', 'add', '203.0.113.0/24')
  await firewall().apply(await fixture.config(['drop if ip.src in $bad', 'drop if tcp'], { sets }))
  assert.equal(fixture.send(udpPacket(1, '203.0.113.5')), 'drop')
  await firewall().apply(await fixture.config(['drop if ip.src in $bad'], { sets: { bad: ['198.51.100.0/24'] } }))
  assert.equal(fixture.send(udpPacket(1, '203.0.113.5')), 'pass')
})

test('Firewall.changeSet keeps an element that others cover, and knows what another process changed', async () => {
  await firewall().apply(
    await fixture.config(['drop if ip.src in $bad'], { sets: { bad: ['10.0.0.0/9', '10.128.0.0/9'] } }),
  )
  const [mine, theirs] = [firewall(), firewall()]
  assert.equal(await mine.changeSet('bad', 'add', '10.0.0.0/8'), true)
  assert.equal(await theirs.changeSet('bad', 'delete', '10.0.0.0/9'), true)
  assert.equal(await mine.changeSet('bad', 'delete', '10.0.0.0/9'), false)
  assert.equal(fixture.send(udpPacket(1, '10.1.1.1')), 'drop')
  assert.equal(await mine.changeSet('bad', 'delete', '10.0.0.0/8'), true)
  assert.equal(fixture.send(udpPacket(1, '10.1.1.1')), 'pass')
  assert.equal(fixture.send(udpPacket(1, '10.129.1.1')), 'drop')
  for (const one of [mine, theirs]) one.close()
})

test('Firewall.changeSet makes room when there is none in place', async () => {
  await firewall().apply(await fixture.config(['drop if ip.src in $bad'], { sets: { bad: [] } }))
  const { generation } = firewall().status()
  const one = firewall()
  for (let index = 0; index < 1_500; index++) await one.changeSet('bad', 'add', `10.1.${index >> 8}.${index & 255}`)
  assert.equal(fixture.send(udpPacket(1, '10.1.5.200')), 'drop')
  assert.equal(fixture.send(udpPacket(1, '10.1.5.221')), 'pass')
  assert.equal(firewall().sets()[0]!.prefixes, 1_500)
  assert.ok(firewall().status().generation > generation)
})

test('Firewall.changeSet names the sets there are, and what is wrong with a prefix', async () => {
  await firewall().apply(await fixture.config([], { sets: { bad: [] } }))
  await assert.rejects(firewall().changeSet('worse', 'add', '10.0.0.0/8'), {
    code: 'SEAWALL_UNKNOWN_SET',
    message: /bad/,
  })
  await assert.rejects(firewall().changeSet('bad', 'add', '10.0.0.1/8'), {
    code: 'SEAWALL_INPUT',
    message: /10\.0\.0\.0\/8/,
  })
})

test('Firewall.apply names the bad line of a set file, and leaves all as it was', async () => {
  await firewall().apply(await fixture.config(['drop if udp']))
  const before = fixture.pins()
  const file = fixture.write('bad.txt', '# comment\n192.0.2.0/24\n\n192.0.2.300\n2001:db8::/32\n')
  const config = await fixture.config(['drop if ip.src in $bad'], { sets: { bad: { file } } })
  await assert.rejects(firewall().apply(config), { code: 'SET_FILE_LINES', message: /bad\.txt:4: .*192\.0\.2\.300/ })
  assert.deepEqual(fixture.pins(), before)
  assert.equal(fixture.send(udpPacket(1)), 'drop')
})

/** Set SEAWALL_PREFIXES for fewer. */
const PREFIXES = Number(process.env.SEAWALL_PREFIXES ?? 1_000_000)

test(`Firewall.apply takes a set of ${PREFIXES} prefixes, and finds the one bad line in such a file`, async () => {
  const lines = Array.from(
    { length: PREFIXES },
    (_, index) => `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.7`,
  )
  const file = fixture.write('many.txt', lines.join('\n'))
  const config = await fixture.config(['drop if ip.src in $many'], { sets: { many: { file } } })
  await firewall().apply(config)
  assert.equal(firewall().sets()[0]!.prefixes, PREFIXES)
  assert.equal(fixture.send(udpPacket(1, '11.200.3.7')), 'drop')
  assert.equal(fixture.send(udpPacket(1, '11.200.3.8')), 'pass')
  const bad = Math.floor(PREFIXES * 0.77)
  lines[bad] = '11.2.3.256'
  fixture.write('many.txt', lines.join('\n'))
  await assert.rejects(firewall().apply(config), {
    code: 'SET_FILE_LINES',
    message: new RegExp(`many\\.txt:${bad + 1}: .*11\\.2\\.3\\.256`),
  })
  assert.equal(fixture.send(udpPacket(1, '11.200.3.7')), 'drop')
})

test('Firewall.probe tells verdict and rule of the live program, and counts nothing', async () => {
  const rules = [
    { id: 'seen', count: 'udp' },
    { id: 'slow', limit: 'udp.dstport == 7', rate: '1/s' },
    { id: 'bad', drop: 'ip.src in $bad' },
  ]
  await firewall().apply(await fixture.config(rules, { sets: { bad: ['192.0.2.0/24'] } }))
  const before = firewall().counters()
  const { probes, program } = await firewall().probe([
    udpPacket(7),
    udpPacket(1, '203.0.113.5'),
    cutPacket(),
    new Uint8Array(3),
  ])
  assert.deepEqual(probes, [
    { verdict: 'drop', decidedBy: 'bad', matched: ['seen', 'bad'] },
    { verdict: 'pass', decidedBy: 'default', matched: ['seen'] },
    { verdict: 'drop', decidedBy: 'malformed:ip_truncated', matched: [] },
    { verdict: 'drop', decidedBy: 'malformed:eth_truncated', matched: [] },
  ])
  assert.deepEqual(firewall().counters(), before)
  const { tag } = firewall().status().program
  assert.deepEqual(program, { live: true, tag, liveTag: tag })
})

test('Firewall.samples yields packets with what decided them', async () => {
  await firewall().apply(
    await fixture.config([
      { id: 'one', sample: 'udp', every: 1 },
      { id: 'dns', drop: 'udp.dstport == 53' },
    ]),
  )
  const controller = new AbortController()
  const seen: string[] = []
  const reading = (async () => {
    for await (const sample of firewall().samples({ signal: controller.signal })) {
      seen.push(`${sample.verdict} ${sample.decidedBy} ${sample.sampledBy} ${sample.length} ${sample.bytes.length}`)
      if (seen.length === 2) controller.abort()
    }
  })()
  await sleep(50)
  fixture.send(udpPacket(53))
  fixture.send(udpPacket(54))
  await reading
  const { length } = udpPacket(53)
  assert.deepEqual(seen, [`drop dns one ${length} ${length}`, `pass default one ${length} ${length}`])
})

test('Firewall.down removes every trace', async () => {
  await firewall().apply(await fixture.config(['drop if udp'], { sets: { bad: ['192.0.2.0/24'] } }))
  await firewall().down()
  assert.deepEqual(fixture.pins(), [])
  assert.equal(firewall().isUp(), false)
  assert.throws(() => firewall().status(), { code: 'SEAWALL_NOT_UP' })
})
