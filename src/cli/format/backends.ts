import type { BackendState, BackendStatus } from '../../balancer/index.ts'
import type { Session } from '../session.ts'
import { formatRows, type RowColumn } from './columns.ts'
import { formatList } from './list.ts'
import { formatBytes, formatCount, plural } from './numbers.ts'

/** Services that are named with a failure which they have in common. */
const FEW = 3

/** The backends as a table, in the order of the configuration, and how many are in which state. */
export function formatBackends(session: Session, backends: readonly BackendStatus[], states: readonly BackendState[]) {
  const shown = backends.filter(({ state }) => states.includes(state))
  const counts = STATES.flatMap((state) => {
    const count = backends.filter((one) => one.state === state).length
    return count === 0 ? [] : [`${formatCount(count)} ${state}`]
  })
  const summary = `${plural(backends.length, 'backend')}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}\n`
  return shown.length === 0 ? summary : `${formatRows(session, columnsOf(session), shown)}\n${summary}`
}

export const STATES: readonly BackendState[] = ['active', 'draining', 'drained', 'down']

/** A state in its colour. */
export function stateText({ colors }: Session, state: BackendState): string {
  const { green, yellow, red } = colors
  return { active: green, draining: yellow, drained: yellow, down: red }[state](state)
}

function columnsOf(session: Session): readonly RowColumn<BackendStatus>[] {
  return [
    { title: 'BACKEND', cell: ({ name }) => name },
    { title: 'ADDRESS', cell: ({ address }) => address, spare: 2 },
    { title: 'WEIGHT', align: 'right', cell: ({ weight }) => String(weight), spare: 3 },
    { title: 'STATE', cell: ({ state }) => stateText(session, state) },
    { title: 'BUCKETS', align: 'right', cell: ({ buckets }) => formatCount(buckets) },
    {
      title: 'BEFORE',
      align: 'right',
      cell: ({ previous }) => formatCount(previous),
      has: ({ previous }) => previous > 0,
      spare: 1,
    },
    { title: 'PACKETS', align: 'right', cell: ({ count }) => formatCount(count.packets) },
    { title: 'BYTES', align: 'right', cell: ({ count }) => formatBytes(count.bytes), spare: 4 },
    { title: 'NOTE', cell: noteText, has: (backend) => noteText(backend) !== '' },
  ]
}

function noteText({ self, resolved, failures }: BackendStatus): string {
  return [
    ...(self ? ['this machine'] : []),
    ...failureTexts(failures),
    ...(resolved ? [] : ['its link address is not known yet']),
  ].join('; ')
}

/** `web, dns: connection refused`: services that fail for one reason stand together. */
export function failureTexts(failures: BackendStatus['failures']): string[] {
  const services = new Map<string, string[]>()
  for (const [service, reason] of Object.entries(failures)) {
    const known = services.get(reason)
    if (known === undefined) services.set(reason, [service])
    else known.push(service)
  }
  return [...services].map(([reason, names]) => `${formatList(names, FEW)}: ${reason}`)
}
