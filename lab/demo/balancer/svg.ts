import { short } from '../format.ts'
import { axis, BAD, bands, GREY, LEFT, legend, page, RIGHT, roundValues, spans } from '../svg-page.ts'
import { type Frame, stacked, text, x } from '../svg-shapes.ts'
import type { StageFigures } from './figures.ts'
import { titles } from './picture.ts'
import type { Moment, ServerMoment, Timeline } from './timeline.ts'

const TITLE = 'Seawall: servers join and leave, connections stay'
const PANEL = 120
const GAP = 46
const TOP = 96
const COLORS = ['#0969da', '#2da44e', '#bf8700']

/** Draws a run: connections, buckets and packets of the servers over the same time, with the stages and what came of them. */
export function svg({ moments, marks }: Timeline, stages: readonly StageFigures[]): string {
  const names = Object.keys(moments[0]?.servers ?? {})
  const end = moments.at(-1)?.at ?? 1
  const height = TOP + 3 * (PANEL + GAP) + 16
  const most = (read: (server: ServerMoment) => number): number =>
    Math.max(1, ...moments.map(({ servers }) => Object.values(servers).reduce((sum, one) => sum + read(one), 0)))
  const panel = (index: number, title: string, read: (server: ServerMoment) => number): string[] => {
    const top = TOP + index * (PANEL + GAP)
    const frame = { left: LEFT, right: RIGHT, top, bottom: top + PANEL, end, value: most(read) * 1.1 }
    const layers = names.map((name, index) => ({
      read: ({ servers }: Moment) => (servers[name] === undefined ? 0 : read(servers[name])),
      fill: color(index),
    }))
    const labels = roundValues(most(read)).map((value) => [value, short(value)] as const)
    return [...stacked(frame, moments, layers), ...axis(frame, title, labels, '#ffffff80')]
  }
  const whole: Frame = { left: LEFT, right: RIGHT, top: TOP, bottom: height - 40, end, value: 1 }
  const parts = [
    ...bands(moments, { ...whole, top: TOP - 40, bottom: whole.bottom + 20 }),
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
    ...legend(
      names.map((name, index) => [name, color(index)]),
      height - 14,
      9,
    ),
  ]
  return page({ title: TITLE, subtitle: totals(stages), height, parts })
}

function totals(stages: readonly StageFigures[]): string {
  const sum = (read: (stage: StageFigures) => number) =>
    stages.reduce((total, stage) => total + read(stage), 0).toLocaleString('en')
  const counts = `${sum((s) => s.begun)} connections, ${sum((s) => s.answers)} answers`
  return `${counts}; ${sum((s) => s.lost)} lost, ${sum((s) => s.moved)} moved to another server, ${sum((s) => s.failed)} failed`
}

const color = (index: number): string => COLORS[index % COLORS.length]!

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
