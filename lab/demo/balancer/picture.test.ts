import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Talk } from '../../talk/messages.ts'
import { figures, type StageFigures } from './figures.ts'
import { picture, view } from './picture.ts'
import { broken } from './promise.ts'
import { svg } from './svg.ts'
import { sentence, table } from './table.ts'
import { stageNames, Timeline } from './timeline.ts'

const talk = (changes: Partial<Talk> = {}): Talk => ({
  opened: 120,
  opening: 0,
  open: 100,
  ended: 20,
  failed: 0,
  lost: 0,
  moved: 0,
  stalled: 0,
  silent: 0,
  answers: 1_000,
  servers: { edge1: 60, edge2: 40 },
  ...changes,
})

const none = talk({ opened: 0, open: 0, ended: 0, answers: 0, servers: {} })

/** Two moments, a second from each other. */
function example(): Timeline {
  let now = 0
  const timeline = new Timeline(() => now)
  for (const packets of [0, 5_000]) {
    now += 1_000
    timeline.tick(talk(), { edge1: { buckets: 10, packets }, edge2: { buckets: 6, packets: 0 } })
  }
  timeline.mark('edge2 joined')
  return timeline
}

const stage = (changes: Partial<StageFigures> = {}): StageFigures => ({
  ...figures('two', 5, none, talk()),
  ...changes,
})

test('Timeline.tick() turns packets into rates, and begins anew with a server that is back', () => {
  const timeline = example()
  assert.deepEqual(timeline.moments[1]!.servers.edge1, { buckets: 10, connections: 60, packets: 5_000 })
  const { servers } = timeline.tick(talk(), { edge1: { buckets: 0, packets: 3 } })
  assert.equal(servers.edge1!.packets, 0)
})

test('picture() shows what each server has, and what became of connections', () => {
  const text = picture(example(), 100).join('\n')
  assert.match(text, /edge1 {2}█+ +60 connections +10 buckets +5\.0 k\/s/)
  assert.match(text, /100 connections open, 20 ended by themselves, 0 lost, 0 moved/)
  assert.match(text, /2\.0 s {2}▸ edge2 joined/)
  assert.match(view.latest(example()).line, /two servers.*0 lost.*edge1 60, edge2 40/)
})

test('figures() counts what a stage has brought', () => {
  const after = talk({ opened: 150, ended: 45, lost: 2, answers: 1_500, silent: 3 })
  const { begun, ended, lost, answers, silent, open } = figures('join', 5, talk(), after)
  assert.deepEqual(
    { begun, ended, lost, answers, silent, open },
    { begun: 30, ended: 25, lost: 2, answers: 500, silent: 3, open: 100 },
  )
})

test('broken() names each connection that was not kept, and a story that did not happen', () => {
  assert.deepEqual(broken([stage()], 100), [])
  assert.deepEqual(broken([stage({ lost: 2, silent: 1 })], 100), [
    'two: 2 connections are lost, wanted 0',
    'two: 1 connections are silent, wanted 0',
  ])
  assert.match(broken([stage({ open: 50 })], 100).join(), /50 connections are open or begun, wanted 100/)
  assert.match(broken([stage({ name: 'join' })], 100).join(), /edge3 has no connections/)
  assert.match(broken([stage({ name: 'leave' })], 100).join(), /edge1 has 60 connections, wanted none/)
})

test('table() and sentence() tell of all stages', () => {
  const stages = stageNames.map((name) => stage({ name }))
  assert.equal(table(stages, ['edge1', 'edge2']).match(/\b100\b/g)!.length, stages.length)
  assert.match(sentence(stages), /Of 960 connections, which were answered 8,000 times, 0 were lost and 0 moved/)
})

test('svg() draws every server and stage, and no number that is none', () => {
  const image = svg(example(), [stage({ lost: 7 })])
  assert.match(image, /^<svg [\s\S]*<\/svg>\n$/)
  for (const text of ['two servers', '7 lost', 'edge1', 'edge2']) assert.ok(image.includes(`>${text}<`), text)
  assert.equal(/NaN|undefined|Infinity/.test(image), false)
})
