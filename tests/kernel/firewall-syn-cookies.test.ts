import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { openMap } from '../../src/entry/open.ts'
import { Firewall } from '../../src/firewall/index.ts'
import { requireLive } from '../../src/firewall/live.ts'
import { readSysctl, writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, ethernet, ipv4, tcp } from '../../src/net/build.ts'
import { Fixture } from './firewall-fixture.ts'

const COOKIES = 'net.ipv4.tcp_syncookies'
const TIMESTAMPS = 'net.ipv4.tcp_timestamps'
const rules = [{ drop: 'udp.dstport == 4' }]

let fixture: Fixture
let firewall: Firewall

const sysctls = (): (string | undefined)[] => [COOKIES, TIMESTAMPS].map((name) => readSysctl(fixture.netns, name))

before(() => {
  fixture = new Fixture('syn-cookies')
  firewall = new Firewall(fixture.paths, { waitMs: 2_000 })
})

afterEach(async () => {
  await fixture.reset()
  writeSysctl(fixture.netns, COOKIES, '1')
  writeSysctl(fixture.netns, TIMESTAMPS, '1')
})

after(() => fixture.remove())

test('Firewall.plan() says when SYN cookies begin, change and end, and what is in force does', async () => {
  const attack = await fixture.config(rules, { synCookies: { when: { synRate: '5k/s' } } })
  const always = await fixture.config(rules, { synCookies: { when: 'always' } })
  const off = await fixture.config(rules)
  const said: unknown[] = []
  for (const request of [attack, always, off]) {
    const { changes } = await firewall.plan(request)
    said.push(changes.filter(({ name }) => name === 'synCookies').map(({ before, after }) => [before, after]))
    await firewall.apply(request)
    said.push(firewall.status().synCookies)
  }
  assert.deepEqual(said, [
    [['off', 'above 5000 SYN/s']],
    'above 5000 SYN/s',
    [['above 5000 SYN/s', 'always']],
    'always',
    [['always', 'off']],
    'off',
  ])
})

test('Firewall.apply() sets the kernel parameters that cookies need, and puts back what was there', async () => {
  writeSysctl(fixture.netns, COOKIES, '0')
  const on = await fixture.config(rules, { synCookies: { when: 'always' } })
  await firewall.apply(on)
  assert.deepEqual(sysctls(), ['2', '2'])
  await firewall.apply(await fixture.config(rules))
  assert.deepEqual(sysctls(), ['0', '1'])
  await firewall.rollback()
  assert.deepEqual([...sysctls(), firewall.status().synCookies], ['2', '2', 'always'])
  await firewall.down()
  assert.deepEqual(sysctls(), ['0', '1'])
})

test('Firewall.apply() leaves kernel parameters alone that somebody has changed since, and timestamps that are off', async () => {
  writeSysctl(fixture.netns, TIMESTAMPS, '0')
  await firewall.apply(await fixture.config(rules, { synCookies: { when: 'always' } }))
  assert.deepEqual(sysctls(), ['2', '0'])
  writeSysctl(fixture.netns, COOKIES, '0')
  await firewall.down()
  assert.deepEqual(sysctls(), ['0', '0'])
})

test('Firewall.reconcile() sets kernel parameters that a writer which died had not come to', async () => {
  await firewall.apply(await fixture.config(rules, { synCookies: { when: 'always' } }))
  writeSysctl(fixture.netns, COOKIES, '1')
  await firewall.reconcile()
  assert.deepEqual(sysctls(), ['2', '2'])
})

test('Firewall.apply() that fails behind the swap takes back program and kernel parameters', async () => {
  await firewall.apply(await fixture.config(rules))
  const failing = new Firewall(fixture.paths, {
    waitMs: 2_000,
    step: (name) => {
      if (name === 'linked') throw new Error('no further')
    },
  })
  const on = await fixture.config(rules, { synCookies: { when: 'always' } })
  await assert.rejects(failing.apply(on), /no further/)
  assert.deepEqual([...sysctls(), firewall.status().synCookies], ['1', '1', 'off'])
})

test('Firewall.counters() adds up with packets that the stage behind the rules saw, and keeps its counts', async () => {
  await firewall.apply(await fixture.config(rules, { synCookies: { when: 'always' } }))
  const syn = buildPacket(ethernet(), ipv4({ dst: '192.0.2.1' }), tcp({ dstport: 80 }))
  fixture.send(syn, 3)
  const { received, verdicts, synCookies } = firewall.counters()
  assert.equal(received.packets, 3)
  assert.equal(verdicts.pass.packets + verdicts.drop.packets + verdicts.tx.packets, 3)
  assert.equal(synCookies.sent.packets, verdicts.tx.packets)
  await firewall.apply(await fixture.config(rules))
  assert.deepEqual(firewall.counters().verdicts, verdicts)
})

test('Firewall.apply() keeps what SYN cookies know of listeners and of connections that closed', async () => {
  const ids = () =>
    ['destinations', 'closings'].map((name) => {
      const map = openMap(join(requireLive(fixture.paths).folder, name))
      const { id } = map
      map.close()
      return id
    })
  await firewall.apply(await fixture.config(rules, { synCookies: { when: 'always' } }))
  const before = ids()
  await firewall.apply(await fixture.config([{ drop: 'udp.dstport == 5' }], { synCookies: { when: 'always' } }))
  assert.deepEqual(ids(), before)
})

for (const [synCookies, message] of [
  [5, /firewall\.synCookies: found 5, wanted \{ when: "always" \} or/],
  [{ when: 'sometimes' }, /synCookies\.when: found "sometimes", wanted "always" or/],
  [{ when: { synRate: '5' } }, /synRate: found "5", wanted a rate of SYNs/],
  [{ when: { synRate: '1/s' } }, /synRate: found "1\/s", wanted a rate from 10\/s/],
  [{ wen: 'always' }, /found unknown key "wen", wanted one of when \(did you mean "when"\?\)/],
] as const) {
  test(`loadConfig() refuses synCookies ${JSON.stringify(synCookies)}`, async () => {
    await assert.rejects(fixture.config(rules, { synCookies }), message)
  })
}
