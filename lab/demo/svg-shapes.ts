/** A panel: where it lies, and what its edges mean. */
export interface Frame {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  /** Seconds at the right edge; 0 is at the left. */
  readonly end: number
  /** Value at the top edge; 0 is at the bottom. */
  readonly value: number
}

/** What is drawn: values at moments. */
interface Moment {
  /** Seconds since the start. */
  readonly at: number
}

type Read<T> = (moment: T) => number

export function x({ left, right, end }: Frame, at: number): string {
  return (left + ((right - left) * at) / end).toFixed(1)
}

export function y({ top, bottom, value: most }: Frame, value: number): string {
  return (bottom - ((bottom - top) * value) / most).toFixed(1)
}

/** What lies between two values of each moment. */
export function area<T extends Moment>(
  frame: Frame,
  moments: readonly T[],
  from: Read<T>,
  to: Read<T>,
  fill: string,
): string {
  const there = corners(frame, moments, to)
  const back = corners(frame, moments, from).reverse()
  return `<polygon points="${[...there, ...back].join(' ')}" fill="${fill}"/>`
}

export function line<T extends Moment>(
  frame: Frame,
  moments: readonly T[],
  read: Read<T>,
  stroke: string,
  width: number,
): string {
  const points = corners(frame, moments, read).join(' ')
  return `<polyline points="${points}" fill="none" stroke="${stroke}" stroke-width="${width}"/>`
}

/** Values of each moment one above the other. */
export function stacked<T extends Moment>(
  frame: Frame,
  moments: readonly T[],
  layers: readonly { readonly read: Read<T>; readonly fill: string }[],
): string[] {
  const below = (count: number) => (moment: T) =>
    layers.slice(0, count).reduce((sum, { read }) => sum + read(moment), 0)
  return layers.map(({ fill }, index) => area(frame, moments, below(index), below(index + 1), fill))
}

function corners<T extends Moment>(frame: Frame, moments: readonly T[], read: Read<T>): string[] {
  const first = moments[0] === undefined ? [] : [`${frame.left},${y(frame, read(moments[0]))}`]
  return [...first, ...moments.map((moment) => `${x(frame, moment.at)},${y(frame, read(moment))}`)]
}

export interface TextOptions {
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly fill?: string
  readonly size?: number
  readonly weight?: number
}

export function text(left: number, baseline: number, content: string, options: TextOptions = {}): string {
  const { anchor = 'start', fill = '#24292f', size = 12, weight = 400 } = options
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return (
    `<text x="${left.toFixed(1)}" y="${baseline.toFixed(1)}" text-anchor="${anchor}" fill="${fill}" ` +
    `font-size="${size}" font-weight="${weight}">${safe}</text>`
  )
}
