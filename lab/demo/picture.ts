import { milliseconds, share, short, sparkline } from './format.ts'
import { markLine, type View } from './screen.ts'
import type { Bucket, Timeline } from './timeline.ts'

/** The timeline as lines of text, for a terminal so many columns wide. */
export function picture(timeline: Timeline, columns: number): string[] {
  const { buckets, marks } = timeline
  const last = buckets.at(-1)
  if (last === undefined) return ['']
  const width = Math.max(10, Math.min(columns - 38, 120))
  const row = (name: string, read: (bucket: Bucket) => number, text: string, top?: number) => {
    const values = buckets.map(read)
    return `  ${name.padEnd(10)}${sparkline(values, top ?? Math.max(...values), width)}  ${text}`
  }
  const stopped = stoppedNow(last)
  return [
    `  ${last.at.toFixed(0).padStart(3)} s  ${last.stage}`,
    row('answered', (b) => b.answered, `${short(last.answered)}/s  ${share(last.answered, last.sent)}`),
    // Of a log scale: 0.1 ms to 1 s.
    row('latency', (b) => Math.log10(Math.max(0.1, b.latencyMsP50 ?? 1000)) + 1, milliseconds(last.latencyMsP50), 4),
    row('attack', (b) => b.attack, `${short(last.attack)}/s`),
    row('stopped', stoppedNow, `${short(stopped)}/s`, Math.max(...buckets.map((b) => b.attack))),
    ...ruleRows(last, stopped),
    ...marks.slice(-5).map(markLine),
  ]
}

/** One line for the log of a demo that nobody watches live. */
export function plainLine(bucket: Bucket): string {
  const { at, stage, sent, answered, latencyMsP50, attack } = bucket
  const legit = `answered ${short(answered).padStart(5)}/s of ${short(sent).padStart(5)}/s (${share(answered, sent)})`
  const packets = `attack ${short(attack)}/s, stopped ${short(stoppedNow(bucket))}/s`
  return `${at.toFixed(1).padStart(6)} s  ${stage.padEnd(12)}  ${legit}, p50 ${milliseconds(latencyMsP50)}; ${packets}`
}

export const view: View<Timeline> = {
  picture,
  latest: ({ buckets }) => {
    const last = buckets.at(-1)!
    return { at: last.at, stage: last.stage, line: plainLine(last) }
  },
}

function stoppedNow(bucket: Bucket): number {
  return Object.values(bucket.stopped).reduce((sum, packets) => sum + packets, 0)
}

function ruleRows({ stopped }: Bucket, whole: number): string[] {
  return Object.entries(stopped).map(([id, rate]) => {
    const bar = '█'.repeat(whole === 0 ? 0 : Math.round((rate / whole) * 30))
    return `    ${id.padEnd(14)}${`${short(rate)}/s`.padStart(9)}  ${bar}`
  })
}
