import { type Frame, text, x, y } from './svg-shapes.ts'

export const WIDTH = 960
export const LEFT = 70
export const RIGHT = WIDTH - 20
export const GREY = '#57606a'
export const GOOD = '#2da44e'
export const BAD = '#cf222e'

export interface Page {
  readonly title: string
  readonly subtitle?: string
  readonly height: number
  readonly parts: readonly string[]
}

/** A picture with all its parts, on a ground of its own, so that it can be read in dark surroundings, too. */
export function page({ title, subtitle, height, parts }: Page): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${title}</title>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>
${text(LEFT, 26, title, { size: 16, weight: 600 })}
${subtitle === undefined ? '' : `${text(LEFT, 44, subtitle, { fill: GREY })}\n`}${parts.join('\n')}
</svg>
`
}

interface Staged<Stage> {
  /** Seconds since the start. */
  readonly at: number
  readonly stage: Stage
}

/** From when to when a stage lasted, seconds since the start. */
export interface Span<Stage> {
  readonly stage: Stage
  readonly from: number
  readonly to: number
}

export function spans<Stage>(moments: readonly Staged<Stage>[]): Span<Stage>[] {
  const found: Span<Stage>[] = []
  let from = 0
  moments.forEach((moment, index) => {
    if (moments[index + 1]?.stage === moment.stage) return
    found.push({ stage: moment.stage, from, to: moment.at })
    from = moment.at
  })
  return found
}

/** Behind all panels, one a stage. `marked`: those that are shown in red. */
export function bands<Stage>(
  moments: readonly Staged<Stage>[],
  frame: Frame,
  marked: (stage: Stage) => boolean = () => false,
): string[] {
  return spans(moments).map(({ stage, from, to }, index) => {
    const [left, right] = [Number(x(frame, from)), Number(x(frame, to))]
    const shade = marked(stage) ? '#ffebe9' : index % 2 === 0 ? '#f6f8fa' : '#eaeef2'
    return `<rect x="${left}" y="${frame.top}" width="${(right - left).toFixed(1)}" height="${frame.bottom - frame.top}" fill="${shade}"/>`
  })
}

/** What a panel shows, and lines with what they stand for. */
export function axis(
  frame: Frame,
  title: string,
  labels: readonly (readonly [value: number, label: string])[],
  stroke = '#d0d7de',
): string[] {
  return [
    text(frame.left, frame.bottom + 16, title, { fill: GREY }),
    ...labels.flatMap(([value, label]) => [
      `<line x1="${frame.left}" x2="${frame.right}" y1="${y(frame, value)}" y2="${y(frame, value)}" stroke="${stroke}"/>`,
      text(frame.left - 6, Number(y(frame, value)) + 4, label, { anchor: 'end', fill: GREY, size: 11 }),
    ]),
  ]
}

/** Values for lines from 0 to `most`: round ones, and few. */
export function roundValues(most: number): number[] {
  const step = 10 ** Math.floor(Math.log10(most))
  if (most / step < 2) return [0, step / 2, step]
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
}

/** What colours stand for, `columns` in a line. */
export function legend(
  entries: readonly (readonly [name: string, fill: string])[],
  top: number,
  columns: number,
): string[] {
  return entries.flatMap(([name, fill], index) => {
    const left = LEFT + ((index % columns) * (RIGHT - LEFT)) / columns
    const row = top + 20 * Math.floor(index / columns)
    return [
      `<rect x="${left.toFixed(1)}" y="${row - 9}" width="10" height="10" fill="${fill}"/>`,
      text(left + 16, row, name, { size: 11 }),
    ]
  })
}
