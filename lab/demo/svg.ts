import type { PhaseFigures } from './figures.ts'
import { milliseconds, share, short } from './format.ts'
import { kindOf } from './phases.ts'
import { telling } from './promise.ts'
import { area, type Frame, line, text, x, y } from './svg-shapes.ts'
import type { Bucket, Timeline } from './timeline.ts'

const TITLE = 'Seawall: a small point of presence under attack'
const WIDTH = 960
const LEFT = 70
const RIGHT = 20
const PANEL = 110
const GAP = 46
const TOP = 92
const COLORS = ['#1f6feb', '#388bfd', '#58a6ff', '#79c0ff', '#a5d6ff', '#0a3069', '#0550ae', '#54aeff']
const GOOD = '#2da44e'
const GOOD_HTTP = '#7bd88f'
const BAD = '#cf222e'

/** Draws a run: good requests, their latency and the attack over the same time, with the phases and their figures. */
export function svg(timeline: Timeline, phases: readonly PhaseFigures[]): string {
  const { buckets } = timeline
  const end = buckets.at(-1)?.at ?? 1
  const frame = (panel: number, top: number): Frame => ({
    left: LEFT,
    right: WIDTH - RIGHT,
    top: TOP + panel * (PANEL + GAP),
    bottom: TOP + panel * (PANEL + GAP) + PANEL,
    end,
    value: top,
  })
  const rules = [...new Set(buckets.flatMap((bucket) => Object.keys(bucket.stopped)))]
  const height = TOP + 3 * (PANEL + GAP) + 20 * Math.ceil(rules.length / 5)
  const most = (read: (bucket: Bucket) => number) => Math.max(1, ...buckets.map(read))
  const parts = [
    ...stages(timeline, height),
    ...answers(buckets, frame(0, most((bucket) => bucket.sent) * 1.1)),
    ...latencies(buckets, frame(1, 4)),
    ...attack(buckets, rules, frame(2, most((bucket) => bucket.attack) * 1.1)),
    ...legend(rules, TOP + 3 * (PANEL + GAP)),
    ...marks(timeline, frame(2, 1)),
    ...captions(timeline, phases),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${TITLE}</title>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>
${text(LEFT, 26, TITLE, { size: 16, weight: 600 })}
${parts.join('\n')}
</svg>
`
}

/** Bands behind all panels, one a stage. */
function stages({ buckets }: Timeline, height: number): string[] {
  return spans(buckets).map(({ from, to, stage }, index) => {
    const [a, b] = [position(buckets, from), position(buckets, to)]
    const shade = isBare(stage) ? '#ffebe9' : index % 2 === 0 ? '#f6f8fa' : '#eef2f6'
    return `<rect x="${a}" y="${TOP - 50}" width="${(Number(b) - Number(a)).toFixed(1)}" height="${height - TOP + 42}" fill="${shade}"/>`
  })
}

const isBare = (stage: Bucket['stage']): boolean => stage === 'apply' || kindOf(stage).bare === true

interface Span {
  readonly stage: Bucket['stage']
  readonly from: number
  readonly to: number
}

function spans(buckets: readonly Bucket[]): Span[] {
  const found: Span[] = []
  let from = 0
  buckets.forEach((bucket, index) => {
    const next = buckets[index + 1]
    if (next?.stage === bucket.stage) return
    found.push({ stage: bucket.stage, from, to: bucket.at })
    from = bucket.at
  })
  return found
}

function position(buckets: readonly Bucket[], at: number): string {
  const end = buckets.at(-1)?.at ?? 1
  return (LEFT + ((WIDTH - RIGHT - LEFT) * at) / end).toFixed(1)
}

/** The name of each stage, and what came of it. */
function captions({ buckets }: Timeline, phases: readonly PhaseFigures[]): string[] {
  const row = (baseline: number, label: string) =>
    text(LEFT - 6, baseline, label, { anchor: 'end', fill: '#57606a', size: 11 })
  const columns = spans(buckets).flatMap(({ stage, from, to }) => {
    const at = Number(position(buckets, (from + to) / 2))
    const phase = phases.find(({ name }) => name === stage)
    if (phase === undefined) return []
    const { sent, answered, isHttp } = telling(phase)
    const fill = isBare(stage) ? BAD : '#57606a'
    return [
      text(at, TOP - 34, stage, { anchor: 'middle', weight: 600, size: 11 }),
      text(at, TOP - 18, `${share(answered, sent)}${isHttp ? ' HTTP' : ''}`, { anchor: 'middle', fill, size: 11 }),
      text(at, TOP - 5, milliseconds(phase.latencyMsP99), { anchor: 'middle', fill: '#57606a', size: 11 }),
    ]
  })
  return columns.length === 0 ? [] : [row(TOP - 18, 'answered'), row(TOP - 5, 'p99'), ...columns]
}

function heading(frame: Frame, title: string, labels: readonly (readonly [value: number, label: string])[]): string[] {
  return [
    text(frame.left, frame.bottom + 16, title, { fill: '#57606a' }),
    ...labels.flatMap(([value, label]) => [
      `<line x1="${frame.left}" x2="${frame.right}" y1="${y(frame, value)}" y2="${y(frame, value)}" stroke="#d0d7de"/>`,
      text(frame.left - 6, Number(y(frame, value)) + 4, label, { anchor: 'end', fill: '#57606a', size: 11 }),
    ]),
  ]
}

function answers(buckets: readonly Bucket[], frame: Frame): string[] {
  const half = Math.round(frame.value / 2.2 / 50) * 50
  const labels = [0, half, 2 * half].map((value) => [value, short(value)] as const)
  return [
    area(
      frame,
      buckets,
      (b) => b.answered,
      (b) => b.sent,
      BAD,
    ),
    area(
      frame,
      buckets,
      () => 0,
      (b) => b.answered - b.answeredHttp,
      GOOD,
    ),
    area(
      frame,
      buckets,
      (b) => b.answered - b.answeredHttp,
      (b) => b.answered,
      GOOD_HTTP,
    ),
    ...heading(frame, 'good requests a second: DNS (green) and HTTP (light green) answered, failed (red)', labels),
  ]
}

/** On a log scale from 0.1 ms to 1 s. */
function latencies(buckets: readonly Bucket[], frame: Frame): string[] {
  const level = (value: number | null) => Math.log10(Math.min(1000, Math.max(0.1, value ?? 1000))) + 1
  const labels = ['0.1 ms', '1 ms', '10 ms', '100 ms', '1 s'].map((label, index) => [index, label] as const)
  return [
    ...heading(frame, 'latency of answered requests: median (thick), 99th percentile (thin)', labels),
    line(frame, buckets, (b) => level(b.latencyMsP99), '#bf8700', 1),
    line(frame, buckets, (b) => level(b.latencyMsP50), '#9a6700', 2.5),
  ]
}

function attack(buckets: readonly Bucket[], rules: readonly string[], frame: Frame): string[] {
  const below = (count: number) => (bucket: Bucket) =>
    rules.slice(0, count).reduce((sum, id) => sum + (bucket.stopped[id] ?? 0), 0)
  const step = 10 ** Math.floor(Math.log10(frame.value))
  const labels = Array.from(
    { length: Math.floor(frame.value / step) + 1 },
    (_, i) => [i * step, short(i * step)] as const,
  )
  return [
    area(frame, buckets, below(rules.length), (b) => Math.max(b.attack, below(rules.length)(b)), BAD),
    ...rules.map((_, index) => area(frame, buckets, below(index), below(index + 1), color(index))),
    ...heading(
      frame,
      'attack packets a second: through to the server (red), stopped by rules and cookies (blue)',
      labels,
    ),
  ]
}

const color = (index: number): string => COLORS[index % COLORS.length]!

function legend(rules: readonly string[], top: number): string[] {
  return rules.flatMap((id, index) => {
    const [left, row] = [LEFT + (index % 5) * 170, top + 20 * Math.floor(index / 5) - 8]
    return [
      `<rect x="${left}" y="${row}" width="10" height="10" fill="${color(index)}"/>`,
      text(left + 16, row + 9, id, { size: 11 }),
    ]
  })
}

/** Events, as a line through all panels. */
function marks(timeline: Timeline, frame: Frame): string[] {
  return timeline.marks.flatMap(({ at, text: what }, index) => {
    const left = x(frame, at)
    const row = TOP + 10 + (index % 4) * 13
    const late = at > frame.end * 0.88
    const title = what.split(':')[0]!
    return [
      `<line x1="${left}" x2="${left}" y1="${TOP}" y2="${frame.bottom}" stroke="#24292f" stroke-dasharray="3 3"/>`,
      text(Number(left) + (late ? -4 : 4), row, title, { size: 11, weight: 600, anchor: late ? 'end' : 'start' }),
    ]
  })
}
