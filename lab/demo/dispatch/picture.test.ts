import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Game } from '../../game/messages.ts'
import { type Done, figures, type StageFigures } from './figures.ts'
import { picture, view } from './picture.ts'
import { broken } from './promise.ts'
import { svg } from './svg.ts'
import { sentences, table } from './table.ts'
import { type StageName, stageNames, Timeline } from './timeline.ts'
import { parseWebRequest, type WebRequest } from './web-clients.ts'

const PLAYERS = 100

const game = (changes: Partial<Game> = {}): Game => ({
  came: 120,
  there: PLAYERS,
  left: 20,
  answers: 1_000,
  unanswered: 0,
  strangers: {},
  silent: 0,
  servers: { '1.1': 60, '1.2': 40 },
  ...changes,
})

const none = game({ came: 0, left: 0, answers: 0 })

const answer = (run: number, port: number): WebRequest => parseWebRequest(`200 0.000250 192.0.2.7 ${port} ${run}`)
const refused = parseWebRequest('000 0.000100  0 ')

/** Two moments, a second from each other. */
function example(): Timeline {
  let now = 0
  const timeline = new Timeline(() => now)
  now = 1_000
  for (const port of [1, 2, 3]) timeline.request(answer(1, port))
  timeline.tick(game())
  timeline.mark('nginx: run 2 is promoted')
  now = 2_000
  for (const one of [answer(2, 4), refused]) timeline.request(one)
  timeline.tick(game({ strangers: { '1.1': 5 } }))
  return timeline
}

const stage = (name: StageName, done: Done = {}, after: Partial<Game> = {}, requests = [answer(1, 1)]): StageFigures =>
  figures({ name, seconds: 4, done, requests, before: none, after: game(after), missing: { web: 0, game: 0 } })

test('parseWebRequest() reads who answered where, and takes nothing but 200 for an answer', () => {
  assert.deepEqual(answer(3, 443), {
    protocol: 'http',
    answered: true,
    latencyMs: 0.25,
    place: '192.0.2.7 443',
    run: '3',
  })
  assert.equal(refused.answered, false)
  assert.equal(parseWebRequest('502 0.1 192.0.2.7 80 3').answered, false)
})

test('Timeline.tick() tells who answered, what failed, and who met a process that did not know him', () => {
  const [first, second] = example().moments
  assert.deepEqual(first?.answers, { 1: 3 })
  assert.deepEqual([second?.answers, second?.failed, second?.strangers], [{ 2: 1 }, 1, 5])
  assert.deepEqual(example().totals, { requests: 5, failed: 1, strangers: 5 })
})

test('picture() shows what each run and worker has', () => {
  const text = picture(example(), 100).join('\n')
  assert.match(text, /nginx run 2 +█+ +1 answers\/s/)
  assert.match(text, /game {2}run 1\.1 +█+ +60 players/)
  assert.match(text, /5 requests, 1 failed; 5 players met a process that did not know them/)
  assert.match(text, /▸ nginx: run 2 is promoted/)
  const several = example()
  several.tick(game({ servers: { '1.1': 30, '1.2': 20, '2.1': 50 } }))
  assert.match(picture(several, 100).join('\n'), /run 1 +█+ +50 players\n.*run 2 +█+ +50 players/)
  assert.match(view.latest(example()).line, /whole prefixes.*nginx run 2; game run 1$/)
})

test('figures() counts what a stage has brought', () => {
  const { web, game: of } = stage('web', {}, { strangers: { '1.1': 2 } }, [answer(1, 1), answer(2, 1), refused])
  assert.deepEqual([web.sent, web.answered, web.failed, web.places], [3, 2, 1, 1])
  assert.deepEqual([web.runs, of.strangers, of.came], [{ 1: 1, 2: 1 }, { '1.1': 2 }, 120])
})

test('broken() names what restarts with generations have lost, and a story that did not happen', () => {
  const problems = (one: StageFigures) => broken([one], PLAYERS).join()
  assert.equal(problems(stage('game', { restarts: 3 })), '')
  assert.match(problems(stage('game', {}, {}, [refused])), /game: 1 requests failed, wanted 0/)
  assert.match(problems(stage('game', {}, { strangers: { '1.1': 2 } })), /2 players reached a process.*wanted 0/)
  assert.match(problems(stage('game', {}, { silent: 1, there: 7 })), /1 players had no answer.*7 players are there/)
  assert.match(problems(stage('web', { restarts: 2 })), /1 runs of nginx answered, wanted 3/)
  assert.match(problems(stage('bindings')), /replaced 0 times, wanted 2/)
})

test('broken() wants plain restarts to lose something, and a worker that is killed nothing but its own players', () => {
  const problems = (one: StageFigures) => broken([one], PLAYERS).join()
  assert.match(problems(stage('plain', { restarts: 1 })), /no request failed.*no player reached/)
  assert.equal(problems(stage('plain', { restarts: 1 }, { strangers: { '1.1': 9 } }, [refused])), '')
  const killed = { server: '1.3', players: 9 }
  assert.equal(problems(stage('kill', { killed }, { strangers: { '1.3': 9 } })), '')
  assert.match(problems(stage('kill', { killed }, { strangers: { '1.3': 9, '1.1': 1 } })), /1 players reached/)
  assert.match(problems(stage('kill', { killed }, { servers: { '1.3': 9 } })), /no player.*9 players are with 1\.3/)
})

test('table() and sentences() tell of all stages', () => {
  const killed = { server: '1.3', players: 9 }
  const stages = stageNames.map((name) =>
    name === 'kill' ? stage(name, { killed }, { strangers: { '1.3': 9 } }) : stage(name, { restarts: 2 }),
  )
  assert.equal(table(stages).match(/\b1,000\b/g)!.length, stages.length)
  assert.match(sentences(stages).join(' '), /8 restarts with generations 0 of 5 requests failed, and 0 players/)
  assert.match(sentences(stages).join(' '), /9 players moved: all of them its own/)
})

test('svg() draws every stage, and no number that is none', () => {
  const image = svg(example(), [stage('prefixes', {}, { strangers: { '1.1': 7 } })])
  assert.match(image, /^<svg [\s\S]*<\/svg>\n$/)
  for (const text of ['whole prefixes', '0 failed', '7 strangers']) assert.ok(image.includes(`>${text}<`), text)
  assert.equal(/NaN|undefined|Infinity/.test(image), false)
})
