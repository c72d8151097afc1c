import type { Impact, ServiceStatus, Share } from '../../balancer/index.ts'
import type { Session } from '../session.ts'
import { formatRows, type RowColumn } from './columns.ts'
import { formatList } from './list.ts'
import { formatBytes, formatCount, formatShare, plural } from './numbers.ts'

/** Backends of a service whose shares are told one by one, and names in other lists. */
const FEW = 6

const columns: readonly RowColumn<ServiceStatus>[] = [
  { title: 'SERVICE', cell: ({ id }) => id },
  { title: 'ADDRESS', cell: ({ address }) => address, spare: 2 },
  { title: 'PORTS', cell: portsText },
  { title: 'VIA', cell: viaText, spare: 3 },
  { title: 'PACKETS', align: 'right', cell: ({ count }) => formatCount(count.packets), spare: 1 },
  { title: 'BYTES', align: 'right', cell: ({ count }) => formatBytes(count.bytes), spare: 4 },
  {
    title: 'MOVING',
    align: 'right',
    cell: ({ inTransition, buckets }) => (inTransition === 0 ? '' : formatShare(inTransition, buckets)),
    has: ({ inTransition }) => inTransition > 0,
  },
  { title: 'SHARES', cell: sharesText },
]

/** The services as a table, in the order of the configuration. */
export function formatServices(session: Session, services: readonly ServiceStatus[]): string {
  return services.length === 0 ? 'no services\n' : formatRows(session, columns, services)
}

function portsText({ protocols, ports }: ServiceStatus): string {
  const named = ports === 'all' ? 'all' : ports.length <= 3 ? ports.join() : `${ports.slice(0, 2)} +${ports.length - 2}`
  return `${protocols.join('+')} ${named}`
}

function viaText({ encapsulation, quic, fragments }: ServiceStatus): string {
  return [encapsulation, ...(quic ? ['quic'] : []), ...(fragments ? ['fragments'] : [])].join(', ')
}

/** Each backend with its share; of many only between what their shares lie, and which are down. */
function sharesText({ shares, buckets }: ServiceStatus): string {
  if (shares.length <= FEW) return shares.map((share) => shareText(share, buckets)).join(', ')
  const owners = shares.filter((share) => share.buckets > 0)
  const owned = owners.map((share) => share.buckets)
  const [least, most] = [Math.min(...owned), Math.max(...owned)].map((count) => formatShare(count, buckets))
  const each = owners.length === 0 ? '' : `, ${least === most ? least : `${least} to ${most}`} each`
  const down = shares.filter((share) => share.down).map(({ backend }) => backend)
  const failed = down.length === 0 ? '' : `; down: ${formatList(down, 3)}`
  return `${formatCount(owners.length)} of ${plural(shares.length, 'backend')}${each}${failed}`
}

function shareText({ backend, buckets: owned, down }: Share, buckets: number): string {
  if (down && owned === 0) return `${backend} down`
  return `${backend} ${formatShare(owned, buckets)}${down ? ' down' : ''}`
}

const impactColumns: readonly RowColumn<Impact>[] = [
  { title: 'MOVED', align: 'right', cell: ({ moved, buckets }) => formatShare(moved, buckets) },
  { title: 'BUCKETS', align: 'right', cell: ({ moved }) => formatCount(moved) },
  { title: 'OF', align: 'right', cell: ({ buckets }) => formatCount(buckets) },
  {
    title: 'WAITING',
    align: 'right',
    cell: ({ deferred }) => formatCount(deferred),
    has: ({ deferred }) => deferred > 0,
  },
  { title: 'SERVICES', cell: ({ services }) => formatList(services, FEW) },
]

/** What a change does to each table, and to all of them. */
export function formatImpact(session: Session, impacts: readonly Impact[]): string {
  if (impacts.length === 0) return 'no tables: the configuration has no balancer\n'
  const total = (what: (impact: Impact) => number) => impacts.reduce((sum, one) => sum + what(one), 0)
  const [moved, deferred, buckets] = [
    total((one) => one.moved),
    total((one) => one.deferred),
    total((one) => one.buckets),
  ]
  const changed = impacts.filter((one) => one.moved + one.deferred > 0).length
  const head =
    changed === 0
      ? 'no bucket moves'
      : `${formatCount(changed)} of ${plural(impacts.length, 'table')} would change: ${formatShare(moved, buckets)} of all buckets move`
  const wait = deferred === 0 ? '' : `, ${formatCount(deferred)} wait until an earlier move is over`
  return `${formatRows(session, impactColumns, impacts)}\n${head}${wait}\n`
}
