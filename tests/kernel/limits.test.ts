import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { calibrateClock } from '../../src/firewall/clock.ts'
import { buildPacket, ethernet, ipv4, udp } from '../../src/net/build.ts'
import type { RuleSet } from '../../src/rules/ast.ts'
import { PASSED_BY_DEFAULT } from '../../src/rules/counters.ts'
import { parseRule } from '../../src/rules/index.ts'
import { Feeds } from '../support/feeds.ts'
import { whileHammering } from '../support/hammering.ts'
import { type LoadedRules, loadRules, slotOf } from '../support/load-rules.ts'

const from = (src: string): Uint8Array =>
  buildPacket(ethernet(), ipv4({ src, dst: '10.99.0.2' }), udp({ srcport: 12345, dstport: 53 }), 'query')

const ruleSetOf = (...texts: string[]): RuleSet => ({
  rules: texts.map((text, i) => ({ ...parseRule(text), id: `r${i}` })),
  malformed: 'drop',
})

async function withRules<T>(ruleSet: RuleSet, work: (rules: LoadedRules) => Promise<T>): Promise<T> {
  const rules = await loadRules(ruleSet, { clock: await calibrateClock() })
  try {
    return await work(rules)
  } finally {
    rules.close()
  }
}

/** An emulated machine stands still for longer than a burst, so that a sender cannot use all that it is allowed. */
const emulated = process.env.SEAWALL_EMULATED === '1'

/** Packets that spend whatever the limit has saved up. */
const SPENDING = 50_000

interface Reading {
  readonly began: bigint
  readonly ended: bigint
  /** Packets until then, of the counter that is read. */
  readonly admitted: number
}

/** Spends what the limit has saved up, and reads what it has admitted. */
function spend(rules: LoadedRules, packet: Uint8Array, slot: number): Reading {
  const began = process.hrtime.bigint()
  rules.program.testRun({ data: packet, repeat: SPENDING })
  const admitted = rules.packets(slot)
  return { began, admitted, ended: process.hrtime.bigint() }
}

/** Packets admitted a second. */
interface Rate {
  readonly least: number
  readonly most: number
}

/** From one reading to another. All was spent at some time during either: a computer that stands still meanwhile does not tell when. */
function rateBetween(first: Reading, last: Reading): Rate {
  const perSecond = (time: bigint): number => ((last.admitted - first.admitted) * 1e9) / Number(time)
  return { least: perSecond(last.ended - first.began), most: perSecond(last.began - first.ended) }
}

const textOf = ({ least, most }: Rate): string => `${least.toFixed(0)} to ${most.toFixed(0)} a second`

function assertRate(rate: Rate, wanted: number): void {
  const exact = (emulated || rate.most >= wanted * 0.99) && rate.least <= wanted * 1.01
  assert.ok(exact, `${textOf(rate)}, wanted ${wanted} within 1 %`)
}

/** Over three seconds. */
async function admittedRate(rules: LoadedRules, packet: Uint8Array): Promise<Rate> {
  const first = spend(rules, packet, PASSED_BY_DEFAULT)
  await sleep(3000)
  return rateBetween(first, spend(rules, packet, PASSED_BY_DEFAULT))
}

for (const [name, text] of [
  ['a whole rule', 'limit 100000/s burst 25000 if udp'],
  ['a source', 'limit 50000/s burst 12500 per ip.src if udp'],
] as const)
  test(`limit of ${name} admits its rate within 1 % when all CPUs send at once`, async () => {
    await withRules(ruleSetOf(text), async (rules) => {
      const packet = from('192.0.2.1')
      const both = new Map([
        [0, packet],
        [1, packet],
      ])
      const rate = await whileHammering(rules.program, both, () => admittedRate(rules, packet))
      assertRate(rate, Number(/limit (\d+)/.exec(text)![1]))
      assert.ok(rules.packets(slotOf(0)) > 0, 'packets over the limit are counted under the rule')
    })
  })

// A burst of a millisecond is read off the nanosecond clock. It cannot make up for a sender that the scheduler holds for longer, so
// only the upper bound is certain.
for (const text of ['limit 20000/s burst 20 if udp', 'limit 20000/s burst 20 per ip.src if udp'])
  test(`${text}: a burst shorter than a jiffy never admits more than the rate`, async () => {
    await withRules(ruleSetOf(text), async (rules) => {
      const packet = from('192.0.2.1')
      const both = new Map([
        [0, packet],
        [1, packet],
      ])
      const rate = await whileHammering(rules.program, both, () => admittedRate(rules, packet))
      assert.ok(rate.least > 0 && rate.least <= 20_000 * 1.01, `${textOf(rate)}, wanted at most 20000`)
    })
  })

test('limit of each source lets a slow source pass while another floods', async () => {
  await withRules(ruleSetOf('limit 1000/s burst 1000 per ip.src if udp'), async (rules) => {
    const flood = new Map([[0, from('192.0.2.1')]])
    await whileHammering(rules.program, flood, async () => {
      for (let i = 0; i < 200; i++) {
        assert.equal(rules.program.testRun({ data: from('192.0.2.2') }).result, 2)
        await sleep(2)
      }
    })
  })
})

test('limit of each source holds one to its rate, and admits all others, while invented sources flood', async () => {
  const rate = 20_000
  // What the limit admits goes on to the rules after it, which tell whose it was.
  const texts = [
    `limit ${rate}/s burst 5000 per ip.src if udp`,
    'pass if ip.src == 192.0.2.1',
    'pass if ip.src == 192.0.2.2',
  ]
  const [over, fast, slow] = [0, 1, 2].map(slotOf) as [number, number, number]
  const feeds = await Feeds.create()
  try {
    await withRules(ruleSetOf(...texts), async (rules) => {
      const sendFast = () => spend(rules, from('192.0.2.1'), fast)
      const flood = new Map([[0, from('192.0.2.3')]])
      await whileHammering(feeds.random(rules.program), flood, async () => {
        const first = sendFast()
        const floodedBefore = rules.packets(PASSED_BY_DEFAULT)
        let [last, runs] = [first, 0]
        for (; last.ended - first.ended < 3_000_000_000n; runs++) {
          rules.program.testRun({ data: from('192.0.2.2') })
          await sleep(20)
          last = sendFast()
        }
        assert.ok(rules.packets(PASSED_BY_DEFAULT) - floodedBefore > 100_000, 'there was no flood')
        assert.equal(rules.packets(slow), runs)
        assert.equal(rules.packets(over) + last.admitted, SPENDING * (runs + 1), 'nobody else was over the limit')
        assertRate(rateBetween(first, last), rate)
      })
    })
  } finally {
    feeds.close()
  }
})

test('limit counts prefixes, not addresses, where it says so', async () => {
  await withRules(ruleSetOf('limit 1/m burst 3 per ip.src/24 if udp'), async (rules) => {
    const verdicts = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '198.51.100.1'].map(
      (src) => rules.program.testRun({ data: from(src) }).result,
    )
    assert.deepEqual(verdicts, [2, 2, 2, 1, 2])
  })
})

test('limit counts each port apart, alone and with an address', async () => {
  const packetTo = (dst: string, dstport: number) =>
    buildPacket(ethernet(), ipv4({ src: '192.0.2.1', dst }), udp({ srcport: 1, dstport }))
  const packets = [packetTo('10.0.0.1', 1), packetTo('10.0.0.1', 1), packetTo('10.0.0.1', 2), packetTo('10.0.0.2', 1)]
  for (const [key, wanted] of [
    ['udp.dstport', [2, 1, 2, 1]],
    ['ip.dst, udp.dstport', [2, 1, 2, 2]],
  ] as const)
    await withRules(ruleSetOf(`limit 1/m burst 1 per ${key} if udp`), async (rules) => {
      assert.deepEqual(
        packets.map((data) => rules.program.testRun({ data }).result),
        wanted,
        key,
      )
    })
})

test('a rule with an end stops matching when CLOCK_MONOTONIC reaches it, whoever is alive', async () => {
  const until = process.hrtime.bigint() + 600_000_000n
  const [rule] = ruleSetOf('drop if udp').rules
  await withRules({ rules: [{ ...rule!, until }], malformed: 'drop' }, async (rules) => {
    const packet = from('192.0.2.1')
    const tick = 10_000_000n
    for (;;) {
      const before = process.hrtime.bigint()
      const { result } = rules.program.testRun({ data: packet })
      const after = process.hrtime.bigint()
      if (after + tick < until) assert.equal(result, 1)
      else if (before > until + tick) {
        assert.equal(result, 2)
        break
      }
      await sleep(20)
    }
  })
})
