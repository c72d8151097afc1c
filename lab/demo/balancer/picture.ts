import { short } from '../format.ts'
import { markLine, type View } from '../screen.ts'
import type { Moment, StageName, Timeline } from './timeline.ts'

/** What each stage shows. */
export const titles: Readonly<Record<StageName, string>> = {
  two: 'two servers',
  join: 'third joins',
  paths: 'routes change',
  kill: 'agent killed',
  adopt: 'agent back',
  drain: 'drained',
  leave: 'left',
  back: 'joins again',
}

/** Marks that fit below the picture. */
const MARKS = 6

/** The servers now, as lines of text. */
export function picture({ moments, marks }: Timeline, columns: number): string[] {
  const last = moments.at(-1)
  if (last === undefined) return ['']
  const width = Math.max(10, Math.min(columns - 60, 60))
  return [
    `  ${last.at.toFixed(0).padStart(3)} s  ${titles[last.stage]}`,
    ...Object.entries(last.servers).map(([name, server]) => {
      const bar = '█'.repeat(Math.round((server.connections / Math.max(1, last.talk.open)) * width)).padEnd(width)
      const buckets = `${server.buckets.toLocaleString('en').padStart(6)} buckets`
      const connections = `${server.connections.toLocaleString('en').padStart(5)} connections`
      return `  ${name}  ${bar}  ${connections}  ${buckets}  ${`${short(server.packets)}/s`.padStart(8)}`
    }),
    `  ${summary(last)}`,
    ...marks.slice(-MARKS).map(markLine),
  ]
}

export const view: View<Timeline> = {
  picture,
  latest: ({ moments }) => {
    const last = moments.at(-1)!
    const servers = Object.entries(last.servers).map(([name, { connections }]) => `${name} ${connections}`)
    const line = `${last.at.toFixed(1).padStart(6)} s  ${titles[last.stage].padEnd(13)}  ${summary(last)}: ${servers.join(', ')}`
    return { at: last.at, stage: last.stage, line }
  },
}

function summary({ talk: { open, ended, lost, moved } }: Moment): string {
  const count = (value: number): string => value.toLocaleString('en')
  return `${count(open)} connections open, ${count(ended)} ended by themselves, ${count(lost)} lost, ${count(moved)} moved`
}
