import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CountersReport } from '../../src/firewall/types.ts'
import { picture, plainLine, view } from './picture.ts'
import { Screen } from './screen.ts'
import { svg } from './svg.ts'
import { Timeline } from './timeline.ts'

const counters = (junk: number): CountersReport =>
  ({
    rules: { junk: { packets: junk, bytes: 0 }, 'clients-in': { packets: 9, bytes: 0 } },
    synCookies: { sent: { packets: junk / 10, bytes: 0 } },
  }) as unknown as CountersReport

/** One calm second, one of attack, one of protection. */
function example(): Timeline {
  let now = 0
  const timeline = new Timeline(() => now)
  for (const [stage, answered, attack, dropped] of [
    ['calm', true, 0, 0],
    ['unprotected', false, 400_000, 0],
    ['protected', true, 800_000, 390_000],
  ] as const) {
    timeline.enter(stage)
    now += 1000
    for (let i = 0; i < 10; i++) timeline.request({ protocol: 'dns', answered, latencyMs: 0.2 })
    timeline.tick(attack, counters(dropped))
  }
  timeline.mark('apply: generation 1')
  return timeline
}

test('Timeline.tick() turns totals into rates', () => {
  const { buckets } = example()
  assert.deepEqual(
    buckets.map(({ stage, sent, answered, attack, stopped }) => [
      stage,
      sent,
      answered,
      attack,
      ...Object.values(stopped),
    ]),
    [
      ['calm', 10, 10, 0, 0, 0],
      ['unprotected', 10, 0, 400_000, 0, 0],
      ['protected', 10, 10, 400_000, 390_000, 39_000],
    ],
  )
})

test('picture() shows answers, latency, attack, drops by rule and events', () => {
  const text = picture(example(), 80).join('\n')
  for (const wanted of [
    'protected',
    'answered',
    '10/s  100.0 %',
    '0.20 ms',
    '400 k/s',
    '390 k/s',
    '429 k/s',
    'junk',
    'SYN cookies',
    'generation 1',
  ]) {
    assert.ok(text.includes(wanted), `${wanted} in\n${text}`)
  }
  assert.equal(text.includes('clients-in'), false)
})

test('plainLine() says all of it in one line', () => {
  const line = plainLine(example().buckets[1]!)
  assert.match(line, /unprotected.*0\.0 %.*attack 400 k\/s, stopped 0\/s/)
})

test('Screen redraws on a terminal and appends elsewhere', () => {
  const written: string[] = []
  const tty = new Screen({ write: (text) => written.push(text), isTTY: true, columns: 80 }, view)
  tty.update(example())
  tty.update(example())
  assert.ok(written.some((text) => text.includes('\x1b[')))
  const plain: string[] = []
  const pipe = new Screen({ write: (text) => plain.push(text) }, view)
  pipe.update(example())
  assert.equal(plain.join('').includes('\x1b'), false)
})

test('svg() draws every stage and rule, and no number that is none', () => {
  const image = svg(example(), [])
  assert.match(image, /^<svg [\s\S]*<\/svg>\n$/)
  assert.ok(image.includes('>junk<'))
  assert.equal(/NaN|undefined|Infinity/.test(image), false)
})
