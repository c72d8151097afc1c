import { short } from '../format.ts'
import { axis, BAD, bands, GREY, LEFT, page, RIGHT, roundValues, spans } from '../svg-page.ts'
import { area, type Frame, stacked, text, x } from '../svg-shapes.ts'
import type { StageFigures } from './figures.ts'
import { namesIn, titles } from './picture.ts'
import { PLAIN } from './promise.ts'
import { type Counts, type Moment, sum, type Timeline } from './timeline.ts'

const TITLE = 'Seawall: servers are restarted, requests and flows stay'
const PANEL = 150
const GAP = 46
const TOP = 112
/** Of the greatest value: the height of a panel. */
const ROOM = 1.1

/** Of runs, in turn; the workers of one have shades of it. */
const COLORS = [
  ['#0969da', '#218bff', '#54aeff', '#80ccff'],
  ['#1a7f37', '#2da44e', '#4ac26b', '#6fdd8b'],
  ['#9a6700', '#bf8700', '#d4a72c', '#eac54f'],
  ['#6639ba', '#8250df', '#a475f9', '#c297ff'],
] as const

/** Draws a run: answers of nginx and players of the game over the same time, with the stages and what they lost. */
export function svg({ moments, marks, totals }: Timeline, stages: readonly StageFigures[]): string {
  const end = moments.at(-1)?.at ?? 1
  const height = TOP + 2 * (PANEL + GAP)
  const frame =
    (panel: number) =>
    (most: number): Frame => {
      const top = TOP + panel * (PANEL + GAP)
      return { left: LEFT, right: RIGHT, top, bottom: top + PANEL, end, value: most * ROOM }
    }
  const whole: Frame = { ...frame(0)(1), bottom: height - GAP }
  const parts = [
    ...bands(moments, { ...whole, top: TOP - 54, bottom: height - 14 }, (stage) => stage === PLAIN),
    ...requests(moments, frame(0)),
    ...players(moments, frame(1)),
    ...marks.flatMap(({ at }) => [frame(0)(1), frame(1)(1)].map((shown) => markAt(shown, at))),
    ...captions(moments, stages, whole),
  ]
  return page({ title: TITLE, subtitle: subtitle(totals, stages), height, parts })
}

function markAt(frame: Frame, at: number): string {
  const left = x(frame, at)
  return `<line x1="${left}" x2="${left}" y1="${frame.top}" y2="${frame.bottom}" stroke="#24292f" stroke-dasharray="2 4"/>`
}

type Read<T> = (moment: Moment) => T

function requests(moments: readonly Moment[], frame: (most: number) => Frame): string[] {
  const failed = { read: ({ failed }: Moment) => failed, fill: BAD }
  const shown = frame(most(moments, ({ answers, failed }) => sum(answers) + failed))
  const title = 'requests a second, by the run of nginx that answered (a colour each); failed (red)'
  return [...stacked(shown, moments, [...layers(moments, ({ answers }) => answers), failed]), ...labels(shown, title)]
}

function players(moments: readonly Moment[], frame: (most: number) => Frame): string[] {
  const shown = frame(most(moments, ({ players }) => sum(players)))
  const title =
    'players, by the run of the game that knows them (a colour each) and its worker (shades); in red those that met one that does not'
  return [
    ...stacked(
      shown,
      moments,
      layers(moments, ({ players }) => players),
    ),
    area(
      shown,
      moments,
      () => 0,
      ({ strangers }) => Math.min(strangers, shown.value),
      BAD,
    ),
    ...labels(shown, title),
  ]
}

const most = (moments: readonly Moment[], read: Read<number>): number => Math.max(1, ...moments.map(read))

/** One for each name that ever has some. */
function layers(moments: readonly Moment[], read: Read<Counts>) {
  const names = namesIn(Object.assign({}, ...moments.map(read)))
  return names.map((name) => ({ read: (moment: Moment) => read(moment)[name] ?? 0, fill: color(name) }))
}

const labels = (frame: Frame, title: string): string[] =>
  axis(
    frame,
    title,
    roundValues(Math.round(frame.value / ROOM)).map((value) => [value, short(value)] as const),
    '#ffffff80',
  )

/** Of a run, or of a worker of one. */
function color(name: string): string {
  const [run, worker] = name.split('.').map(Number)
  return COLORS[(run! - 1) % COLORS.length]![((worker ?? 2) - 1) % COLORS[0].length]!
}

function subtitle({ requests }: Timeline['totals'], stages: readonly StageFigures[]): string {
  const moves = stages.reduce((total, { game }) => total + game.answers, 0)
  return `${count(requests)} requests to all addresses and ports of a /24 and a /48, ${count(moves)} moves of players; plain restarts, in red, are there to compare`
}

const count = (value: number): string => value.toLocaleString('en')

/** What each stage is, and what it lost. */
function captions(moments: readonly Moment[], stages: readonly StageFigures[], frame: Frame): string[] {
  return spans(moments).flatMap(({ stage, from, to }) => {
    const at = Number(x(frame, (from + to) / 2))
    const found = stages.find(({ name }) => name === stage)
    const row = (above: number, content: string, fill: string) =>
      text(at, TOP - above, content, { anchor: 'middle', size: 11, fill })
    const lost = found === undefined ? [] : [row(23, ...failedIn(found)), row(9, ...strangersIn(found))]
    return [text(at, TOP - 38, titles[stage], { anchor: 'middle', size: 11, weight: 600 }), ...lost]
  })
}

type Told = readonly [content: string, fill: string]

const failedIn = ({ web }: StageFigures): Told => [`${count(web.failed)} failed`, web.failed === 0 ? GREY : BAD]

/** Those of a process that was killed are no loss that could be avoided. */
function strangersIn({ game, done: { killed } }: StageFigures): Told {
  const strangers = sum(game.strangers)
  if (killed !== undefined && strangers === game.strangers[killed.server])
    return [`its ${count(strangers)} moved`, GREY]
  return [`${count(strangers)} strangers`, strangers === 0 ? GREY : BAD]
}
