import type { Bucket } from './timeline.ts'

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

type Read = (bucket: Bucket) => number

export function x({ left, right, end }: Frame, at: number): string {
  return (left + ((right - left) * at) / end).toFixed(1)
}

export function y({ top, bottom, value: most }: Frame, value: number): string {
  return (bottom - ((bottom - top) * value) / most).toFixed(1)
}

/** What lies between two values of each bucket. */
export function area(frame: Frame, buckets: readonly Bucket[], from: Read, to: Read, fill: string): string {
  const there = corners(frame, buckets, to)
  const back = corners(frame, buckets, from).reverse()
  return `<polygon points="${[...there, ...back].join(' ')}" fill="${fill}"/>`
}

export function line(frame: Frame, buckets: readonly Bucket[], read: Read, stroke: string, width: number): string {
  const points = corners(frame, buckets, read).join(' ')
  return `<polyline points="${points}" fill="none" stroke="${stroke}" stroke-width="${width}"/>`
}

function corners(frame: Frame, buckets: readonly Bucket[], read: Read): string[] {
  const first = buckets[0] === undefined ? [] : [`${frame.left},${y(frame, read(buckets[0]))}`]
  return [...first, ...buckets.map((bucket) => `${x(frame, bucket.at)},${y(frame, read(bucket))}`)]
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
