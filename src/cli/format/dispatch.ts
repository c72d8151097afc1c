import type {
  BindingStatus,
  BindResult,
  DestinationStatus,
  DispatchStatus,
  RegisterResult,
  SocketStatus,
} from '../../dispatch/types.ts'
import { formatEndpoint, parseAddress } from '../../net/address.ts'
import type { Session } from '../session.ts'
import { formatRows, type RowColumn } from './columns.ts'
import { formatFacts } from './facts.ts'
import { formatCount, plural } from './numbers.ts'

/** Bindings as a table, in the order given. */
export function formatBindings(session: Session, bindings: readonly BindingStatus[]): string {
  const summary = `${plural(bindings.length, 'binding')}\n`
  if (bindings.length === 0) return summary
  const columns: readonly RowColumn<BindingStatus>[] = [
    { title: 'LABEL', cell: ({ label }) => label },
    { title: 'PROTOCOL', cell: ({ protocol }) => protocol },
    { title: 'PREFIX', cell: ({ prefix }) => prefix },
    { title: 'PORT', cell: ({ port }) => port },
    { title: 'COUNT', align: 'right', cell: ({ count }) => formatCount(count) },
    { title: 'MISSING', cell: ({ missing }) => missing, has: ({ missing }) => missing !== 'drop', spare: 1 },
    { title: 'SPREAD', cell: ({ spread }) => spread, has: ({ spread }) => spread !== 'client', spare: 1 },
    { title: 'FLOWS', cell: flowsText, has: ({ flows }) => flows !== 'none', spare: 1 },
    { title: 'BY', cell: ({ dynamic }) => (dynamic ? 'command' : 'configuration'), spare: 2 },
  ]
  return `${formatRows(session, columns, bindings)}\n${summary}`
}

const flowsText = ({ flows, idle }: BindingStatus): string => (flows === 'none' ? flows : `${flows}, ${idle}`)

/** Dispatch in `seawall status`: how many bindings there are, and what they lead to. */
export function formatDispatch(session: Session, { bindings, destinations }: DispatchStatus): string {
  const fact = formatFacts(session, [['dispatch', plural(bindings, 'binding')]])
  return destinations.length === 0 ? fact : `${fact}\n${formatDestinations(session, destinations)}`
}

/** Destinations as a table, each with its sockets. */
export function formatDestinations(session: Session, destinations: readonly DestinationStatus[]): string {
  const summary = `${plural(destinations.length, 'destination')}\n`
  if (destinations.length === 0) return summary
  const columns: readonly RowColumn<DestinationStatus>[] = [
    { title: 'LABEL', cell: ({ label }) => label },
    { title: 'PROTOCOL', cell: ({ protocol }) => protocol },
    { title: 'FAMILY', cell: ({ family }) => `IPv${family}` },
    { title: 'BINDINGS', align: 'right', cell: ({ bindings }) => formatCount(bindings) },
    { title: 'DISPATCHED', align: 'right', cell: ({ dispatched }) => formatCount(dispatched) },
    { title: 'KEPT', align: 'right', cell: ({ kept }) => formatCount(kept), has: ({ kept }) => kept > 0 },
    { title: 'NOTED', align: 'right', cell: ({ noted }) => formatCount(noted), has: ({ noted }) => noted > 0 },
    {
      title: 'MISSING',
      align: 'right',
      cell: ({ missing }) => formatCount(missing),
      has: ({ missing }) => missing > 0,
    },
    {
      title: 'UNUSABLE',
      align: 'right',
      cell: ({ unusable }) => formatCount(unusable),
      has: ({ unusable }) => unusable > 0,
    },
    { title: 'SOCKETS', cell: (one) => socketsText(session, one.sockets) },
  ]
  return `${formatRows(session, columns, destinations)}\n${summary}`
}

export function formatBindResult(
  { colors }: Session,
  { added, removed, bindings, unsteered = [] }: BindResult,
): string {
  const done = added + removed === 0 ? colors.green('unchanged') : colors.green('bound')
  const notes = unsteered.map(
    (label) =>
      `${colors.yellow('by address')}  sockets of "${label}" go by connection ids once they are registered again: seawall register-pid\n`,
  )
  const counts = `${plural(added, 'binding')} added, ${formatCount(removed)} removed; ${formatCount(bindings)} in force`
  return `${done}  ${counts}\n${notes.join('')}`
}

export function formatRegistered(
  session: Session,
  { label, generation, works, sockets, bound }: RegisterResult,
): string {
  const { green, yellow } = session.colors
  const lines = sockets.map(
    (one) =>
      `${green(one.known ? 'known' : 'registered')}  ${one.protocol} over IPv${one.family}: ${socketText(one)}\n`,
  )
  const note = bound ? '' : `${yellow('not bound')}  no binding names "${label}" yet: seawall bind ${label} …\n`
  const waits = works
    ? ''
    : `${yellow('waits')}  generation ${generation}: seawall promote ${label} has it get what is new\n`
  return `${lines.join('')}${waits}${note}`
}

/** Sockets that are listed one by one. */
const LISTED = 2

function socketsText({ colors }: Session, sockets: readonly SocketStatus[]): string {
  if (sockets.length === 0) return colors.yellow('none')
  const listed = sockets.slice(0, LISTED).map(socketText)
  const more = sockets.length - LISTED
  return [...listed, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(', ')
}

function socketText({ address, port, pid }: SocketStatus): string {
  const at = formatEndpoint(parseAddress(address), port)
  return pid === undefined ? at : `${at} of process ${pid}`
}
