import type { Where } from '../../balancer/index.ts'
import type { Session } from '../session.ts'
import { formatFacts } from './facts.ts'
import { formatCount } from './numbers.ts'

/** An answer with the packet that it is about. */
export interface Located extends Where {
  /** The packet in hexadecimal. */
  readonly bytes: string
}

/** One answer, a fact a line. */
export function formatWhere(session: Session, { packet, service, bucket, backend, previous, why }: Located): string {
  const { bold } = session.colors
  return formatFacts(session, [
    ['packet', packet],
    ...(service === undefined ? [] : [['service', service] as const]),
    ...(bucket === undefined ? [] : [['bucket', formatCount(bucket)] as const]),
    ...(backend === undefined ? [] : [['server', bold(backend)] as const]),
    ...(previous === undefined
      ? []
      : [['before', `${previous}, which still gets what ${backend} does not know`] as const]),
    ['why', why],
  ])
}
