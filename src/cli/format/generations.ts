import type { GenerationStatus, PromoteResult } from '../../dispatch/types.ts'
import { formatDuration } from '../../entry/duration.ts'
import type { Session } from '../session.ts'
import { formatRows, type RowColumn } from './columns.ts'
import { formatCount, plural } from './numbers.ts'

/** Generations as a table, in the order given. */
export function formatGenerations(session: Session, generations: readonly GenerationStatus[]): string {
  const summary = `${plural(generations.length, 'generation')}\n`
  if (generations.length === 0) return summary
  const columns: readonly RowColumn<GenerationStatus>[] = [
    { title: 'LABEL', cell: ({ label }) => label },
    { title: 'NUMBER', align: 'right', cell: ({ number }) => `${number}` },
    { title: 'STATE', cell: (one) => stateText(session, one) },
    {
      title: 'AGE',
      align: 'right',
      cell: ({ since }) => formatDuration(Date.now() - since),
    },
    { title: 'CONNECTIONS', align: 'right', cell: ({ connections }) => formatCount(connections) },
    { title: 'FLOWS', align: 'right', cell: ({ flows }) => formatCount(flows), has: ({ flows }) => flows > 0 },
    { title: 'SOCKETS', align: 'right', cell: ({ sockets }) => formatCount(sockets.length) },
    { title: 'PROCESSES', cell: ({ processes }) => processes.join(', ') },
  ]
  return `${formatRows(session, columns, generations)}\n${summary}`
}

export function formatPromoted({ colors }: Session, { label, generation, before }: PromoteResult): string {
  if (generation === undefined) return `${colors.yellow('drains')}  nothing of "${label}" gets what is new now\n`
  const drains = before === undefined || before === generation ? '' : `; generation ${before} keeps what it has`
  return `${colors.green('works')}  generation ${generation} of "${label}" gets what is new${drains}\n`
}

function stateText({ colors }: Session, { state }: GenerationStatus): string {
  if (state === 'works') return colors.green(state)
  return state === 'drains' ? colors.yellow(state) : state
}
