import type { PhaseFigures } from './figures.ts'
import { milliseconds, share, short } from './format.ts'
import { kindOf } from './phases.ts'
import { telling } from './promise.ts'
import { axis, BAD, bands, GOOD, GREY, LEFT, legend, page, RIGHT, spans } from './svg-page.ts'
import { area, type Frame, line, stacked, text, x } from './svg-shapes.ts'
import type { Bucket, Timeline } from './timeline.ts'

const TITLE = 'Seawall: a small point of presence under attack'
const PANEL = 110
const GAP = 46
const TOP = 92
const COLORS = ['#1f6feb', '#388bfd', '#58a6ff', '#79c0ff', '#a5d6ff', '#0a3069', '#0550ae', '#54aeff']
const GOOD_HTTP = '#7bd88f'

/** Draws a run: good requests, their latency and the attack over the same time, with the phases and their figures. */
export function svg(timeline: Timeline, phases: readonly PhaseFigures[]): string {
  const { buckets } = timeline
  const end = buckets.at(-1)?.at ?? 1
  const frame = (panel: number, top: number): Frame => ({
    left: LEFT,
    right: RIGHT,
    top: TOP + panel * (PANEL + GAP),
    bottom: TOP + panel * (PANEL + GAP) + PANEL,
    end,
    value: top,
  })
  const rules = [...new Set(buckets.flatMap((bucket) => Object.keys(bucket.stopped)))]
  const height = TOP + 3 * (PANEL + GAP) + 20 * Math.ceil(rules.length / 5)
  const most = (read: (bucket: Bucket) => number) => Math.max(1, ...buckets.map(read))
  const parts = [
    ...bands(buckets, { ...frame(0, 1), top: TOP - 50, bottom: height - 8 }, isBare),
    ...answers(buckets, frame(0, most((bucket) => bucket.sent) * 1.1)),
    ...latencies(buckets, frame(1, 4)),
    ...attack(buckets, rules, frame(2, most((bucket) => bucket.attack) * 1.1)),
    ...legend(
      rules.map((id, index) => [id, color(index)]),
      TOP + 3 * (PANEL + GAP),
      5,
    ),
    ...marks(timeline, frame(2, 1)),
    ...captions(timeline, phases, frame(0, 1)),
  ]
  return page({ title: TITLE, height, parts })
}

const isBare = (stage: Bucket['stage']): boolean => stage === 'apply' || kindOf(stage).bare === true

/** The name of each stage, and what came of it. */
function captions({ buckets }: Timeline, phases: readonly PhaseFigures[], frame: Frame): string[] {
  const row = (baseline: number, label: string) =>
    text(LEFT - 6, baseline, label, { anchor: 'end', fill: GREY, size: 11 })
  const columns = spans(buckets).flatMap(({ stage, from, to }) => {
    const at = Number(x(frame, (from + to) / 2))
    const phase = phases.find(({ name }) => name === stage)
    if (phase === undefined) return []
    const { sent, answered, isHttp } = telling(phase)
    const fill = isBare(stage) ? BAD : GREY
    return [
      text(at, TOP - 34, stage, { anchor: 'middle', weight: 600, size: 11 }),
      text(at, TOP - 18, `${share(answered, sent)}${isHttp ? ' HTTP' : ''}`, { anchor: 'middle', fill, size: 11 }),
      text(at, TOP - 5, milliseconds(phase.latencyMsP99), { anchor: 'middle', fill: GREY, size: 11 }),
    ]
  })
  return columns.length === 0 ? [] : [row(TOP - 18, 'answered'), row(TOP - 5, 'p99'), ...columns]
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
    ...stacked(frame, buckets, [
      { read: (b) => b.answered - b.answeredHttp, fill: GOOD },
      { read: (b) => b.answeredHttp, fill: GOOD_HTTP },
    ]),
    ...axis(frame, 'good requests a second: DNS (green) and HTTP (light green) answered, failed (red)', labels),
  ]
}

/** On a log scale from 0.1 ms to 1 s. */
function latencies(buckets: readonly Bucket[], frame: Frame): string[] {
  const level = (value: number | null) => Math.log10(Math.min(1000, Math.max(0.1, value ?? 1000))) + 1
  const labels = ['0.1 ms', '1 ms', '10 ms', '100 ms', '1 s'].map((label, index) => [index, label] as const)
  return [
    ...axis(frame, 'latency of answered requests: median (thick), 99th percentile (thin)', labels),
    line(frame, buckets, (b) => level(b.latencyMsP99), '#bf8700', 1),
    line(frame, buckets, (b) => level(b.latencyMsP50), '#9a6700', 2.5),
  ]
}

function attack(buckets: readonly Bucket[], rules: readonly string[], frame: Frame): string[] {
  const layers = rules.map((id, index) => ({ read: (b: Bucket) => b.stopped[id] ?? 0, fill: color(index) }))
  const stopped = (bucket: Bucket) => layers.reduce((sum, { read }) => sum + read(bucket), 0)
  const step = 10 ** Math.floor(Math.log10(frame.value))
  const labels = Array.from(
    { length: Math.floor(frame.value / step) + 1 },
    (_, i) => [i * step, short(i * step)] as const,
  )
  return [
    area(frame, buckets, stopped, (b) => Math.max(b.attack, stopped(b)), BAD),
    ...stacked(frame, buckets, layers),
    ...axis(frame, 'attack packets a second: through to the server (red), stopped by rules and cookies (blue)', labels),
  ]
}

const color = (index: number): string => COLORS[index % COLORS.length]!

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
