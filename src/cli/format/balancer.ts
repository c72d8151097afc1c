import type { BalancerStatus } from '../../balancer/index.ts'
import type { Session } from '../session.ts'
import { type Facts, formatFacts } from './facts.ts'
import { formatBytes, formatCount, formatShare, plural } from './numbers.ts'

/** The balancer in `seawall status`: facts, then what became of its packets. */
export function formatBalancer(session: Session, balancer: BalancerStatus): string {
  return `${formatFacts(session, balancerFacts(balancer))}\n${outcomeTable(session, balancer)}`
}

function balancerFacts(balancer: BalancerStatus): Facts {
  const { self, version, conductor, services, backends, pools, buckets, bytes } = balancer
  const who = self === undefined ? 'this machine is none of them' : `this machine is ${self}`
  const tables = `${plural(pools, 'table')} of ${plural(buckets, 'bucket')}`
  return [
    ['balancer', `${plural(services, 'service')} on ${plural(backends, 'backend')}; ${who}`],
    ['tables', `version ${version}, ${conductor === undefined ? 'decided here' : `decided by ${conductor}`}`],
    ['memory', `${formatBytes(bytes)}, ${tables}`],
  ]
}

/** What became of packets that were not dropped, in words. */
const WORDS: Readonly<Record<string, string>> = {
  'not-service': 'for no service',
  local: 'local',
  forwarded: 'forwarded',
  'quic-forwarded': 'forwarded by QUIC connection id',
  'quic-local': 'local by QUIC connection id',
  decapsulated: 'from another balancer, local',
  'last-hop': 'from another balancer, local as last hop',
  socket: 'in transition: known here',
  new: 'in transition: new connection',
  cookie: 'in transition: answers a SYN cookie',
  previous: 'in transition: sent on to previous',
  'too-big': 'too big: sender told',
}

function outcomeTable(session: Session, { outcomes }: BalancerStatus): string {
  const seen = Object.entries(outcomes).filter(([, count]) => count > 0)
  const total = seen.reduce((sum, [, count]) => sum + count, 0)
  const right = 'right' as const
  const rows = [['seen', total] as const, ...seen].map(([name, count]) => [
    name === 'seen' ? name : (WORDS[name] ?? `dropped: ${name.replaceAll('-', ' ')}`),
    formatCount(count),
    formatShare(count, total),
  ])
  const columns = [{ title: 'BALANCER' }, { title: 'PACKETS', align: right }, { title: 'SHARE', align: right }]
  return session.table(columns, rows)
}
