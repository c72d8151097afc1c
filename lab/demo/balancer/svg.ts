import { short } from '../format.ts'
import { area, type Frame, text, x, y } from '../svg-shapes.ts'
import type { StageFigures } from './figures.ts'
import { titles } from './picture.ts'
import type { Moment, ServerMoment, Timeline } from './timeline.ts'

const TITLE = 'Seawall: servers join and leave, connections stay'
const WIDTH = 960
const LEFT = 70
const RIGHT = 20
const PANEL = 120
const GAP = 46
const TOP = 96
const COLORS = ['#0969da', '#2da44e', '#bf8700']
const GREY = '#57606a'
const BAD = '#cf222e'

/** Draws a run: connections, buckets and packets of the servers over the same time, with the stages and what came of them. */
export function svg({ moments, marks }: Timeline, stages: readonly StageFigures[]): string {
  const names = Object.keys(moments[0]?.servers ?? {})
  const end = moments.at(-1)?.at ?? 1
  const height = TOP + 3 * (PANEL + GAP) + 16
  const most = (read: (server: ServerMoment) => number): number =>
    Math.max(1, ...moments.map(({ servers }) => Object.values(servers).reduce((sum, one) => sum + read(one), 0)))
  const panel = (index: number, title: string, read: (server: ServerMoment) => number): string[] => {
    const top = TOP + index * (PANEL + GAP)
    const frame = { left: LEFT, right: WIDTH - RIGHT, top, bottom: top + PANEL, end, value: most(read) * 1.1 }
    return [...stacked(moments, names, frame, read), ...heading(frame, title, most(read))]
  }
  const whole: Frame = { left: LEFT, right: WIDTH - RIGHT, top: TOP, bottom: height - 40, end, value: 1 }
  const parts = [
    ...bands(moments, whole),
    ...panel(0, 'connections, by the server that has them', (server) => server.connections),
    ...panel(1, 'buckets, by the server that owns them: it gets the new connections', (server) => server.buckets),
    ...panel(
      2,
      'packets a second that came to each server, from clients and other servers',
      (server) => server.packets,
    ),
    ...marks.map(({ at }) => {
      return `<line x1="${x(whole, at)}" x2="${x(whole, at)}" y1="${TOP}" y2="${whole.bottom}" stroke="#24292f" stroke-dasharray="2 4"/>`
    }),
    ...captions(moments, stages, whole),
    ...legend(names, height - 14),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${TITLE}</title>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>
${text(LEFT, 26, TITLE, { size: 16, weight: 600 })}
${text(LEFT, 44, totals(stages), { fill: GREY })}
${parts.join('\n')}
</svg>
`
}

function totals(stages: readonly StageFigures[]): string {
  const sum = (read: (stage: StageFigures) => number) =>
    stages.reduce((total, stage) => total + read(stage), 0).toLocaleString('en')
  const counts = `${sum((s) => s.begun)} connections, ${sum((s) => s.answers)} answers`
  return `${counts}; ${sum((s) => s.lost)} lost, ${sum((s) => s.moved)} moved to another server, ${sum((s) => s.failed)} failed`
}

const color = (index: number): string => COLORS[index % COLORS.length]!

/** The servers' values one above the other. */
function stacked(
  moments: readonly Moment[],
  names: readonly string[],
  frame: Frame,
  read: (server: ServerMoment) => number,
): string[] {
  const below = (count: number) => (moment: Moment) =>
    names.slice(0, count).reduce((sum, name) => sum + (moment.servers[name] ? read(moment.servers[name]) : 0), 0)
  return names.map((_, index) => area(frame, moments, below(index), below(index + 1), color(index)))
}

function heading(frame: Frame, title: string, most: number): string[] {
  const step = 10 ** Math.floor(Math.log10(most))
  const values =
    most / step < 2 ? [0, step / 2, step] : Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step)
  return [
    text(frame.left, frame.bottom + 16, title, { fill: GREY }),
    ...values.flatMap((value) => [
      `<line x1="${frame.left}" x2="${frame.right}" y1="${y(frame, value)}" y2="${y(frame, value)}" stroke="#ffffff" stroke-opacity="0.5"/>`,
      text(frame.left - 6, Number(y(frame, value)) + 4, short(value), { anchor: 'end', fill: GREY, size: 11 }),
    ]),
  ]
}

interface Span {
  readonly stage: Moment['stage']
  readonly from: number
  readonly to: number
}

function spans(moments: readonly Moment[]): Span[] {
  const found: Span[] = []
  let from = 0
  moments.forEach((moment, index) => {
    if (moments[index + 1]?.stage === moment.stage) return
    found.push({ stage: moment.stage, from, to: moment.at })
    from = moment.at
  })
  return found
}

/** Behind all panels, one a stage. */
function bands(moments: readonly Moment[], frame: Frame): string[] {
  return spans(moments).map(({ from, to }, index) => {
    const [left, right] = [Number(x(frame, from)), Number(x(frame, to))]
    const shade = index % 2 === 0 ? '#f6f8fa' : '#eaeef2'
    return `<rect x="${left}" y="${TOP - 40}" width="${(right - left).toFixed(1)}" height="${frame.bottom - TOP + 60}" fill="${shade}"/>`
  })
}

/** What each stage is, and what it lost. */
function captions(moments: readonly Moment[], stages: readonly StageFigures[], frame: Frame): string[] {
  return spans(moments).flatMap(({ stage, from, to }) => {
    const at = Number(x(frame, (from + to) / 2))
    const lost = stages.find(({ name }) => name === stage)?.lost
    const result =
      lost === undefined
        ? []
        : [text(at, TOP - 9, `${lost} lost`, { anchor: 'middle', size: 11, fill: lost === 0 ? GREY : BAD })]
    return [text(at, TOP - 24, titles[stage], { anchor: 'middle', size: 11, weight: 600 }), ...result]
  })
}

function legend(names: readonly string[], baseline: number): string[] {
  return names.flatMap((name, index) => [
    `<rect x="${LEFT + index * 90}" y="${baseline - 10}" width="10" height="10" fill="${color(index)}"/>`,
    text(LEFT + index * 90 + 16, baseline, name, { size: 11 }),
  ])
}
