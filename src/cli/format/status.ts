import type { Status } from '../../agent/index.ts'
import { formatDuration } from '../../entry/duration.ts'
import type { Count, CountersReport, FirewallStatus } from '../../firewall/index.ts'
import type { Session } from '../session.ts'
import { formatBalancer } from './balancer.ts'
import { formatDispatch } from './dispatch.ts'
import { type Facts, formatFacts } from './facts.ts'
import { formatBytes, formatCount, formatShare, plural } from './numbers.ts'

const NOTHING = `Nothing is in force: packets pass as if Seawall were not there (seawall up, or seawall apply)\n`

/** What is in force: facts first, then the interfaces, then where the packets went. */
export function formatStatus(session: Session, status: Status, counters: CountersReport | undefined): string {
  const agent = agentLine(session, status)
  const { firewall } = status
  if (firewall === undefined) return `${NOTHING}${formatFacts(session, [['agent', agent]])}`
  const blocks = [formatFacts(session, firewallFacts(session, firewall, agent)), interfaceTable(session, firewall)]
  if (counters !== undefined) blocks.push(packetTable(session, counters))
  if (status.balancer !== undefined) blocks.push(formatBalancer(session, status.balancer))
  if (status.dispatch !== undefined) blocks.push(formatDispatch(session, status.dispatch))
  return blocks.join('\n')
}

function agentLine({ colors }: Session, { agent }: Status): string {
  if (agent === undefined) return colors.yellow('not running')
  const adopted = agent.adopted ? ', which adopted what was in force' : ''
  return `${colors.green('running')}, process ${agent.pid} since ${agent.startedAt}${adopted}`
}

function firewallFacts({ colors }: Session, firewall: FirewallStatus, agent: string): Facts {
  const { generation, previous, appliedAt, program, rules, sets, pending } = firewall
  const back = previous === undefined ? '' : `, ${previous} before it`
  const dynamic = rules.filter((rule) => rule.dynamic).length
  const prefixes = sets.reduce((sum, set) => sum + set.prefixes, 0)
  return [
    ['generation', `${generation}${back}, applied ${appliedAt}, configuration ${firewall.digest}`],
    ...(pending === undefined ? [] : [pendingFact(colors.yellow, pending.dueInMs)]),
    ['agent', agent],
    ['rules', `${formatCount(rules.length)}${dynamic === 0 ? '' : `, ${formatCount(dynamic)} of them dynamic`}`],
    ['sets', `${formatCount(sets.length)} with ${plural(prefixes, 'prefix', 'prefixes')}`],
    ['malformed', firewall.malformed === 'drop' ? 'packets are dropped' : 'packets pass'],
    ['SYN cookies', firewall.synCookies],
    ['program', `id ${program.id}, tag ${program.tag}, ${plural(program.instructions, 'instruction')}`],
  ]
}

function pendingFact(paint: (text: string) => string, dueInMs: number): readonly [string, string] {
  return ['confirm', paint(`rolls back in ${formatDuration(dueInMs)}, unless: seawall confirm`)]
}

function interfaceTable(session: Session, { interfaces }: FirewallStatus): string {
  const { green, red } = session.colors
  const columns = [
    { title: 'INTERFACE' },
    { title: 'INDEX', align: 'right' as const },
    { title: 'XDP' },
    { title: 'ATTACHED' },
    { title: 'RECEIVED', align: 'right' as const },
    { title: 'NOTE' },
  ]
  const rows = interfaces.map((one) => [
    one.name,
    String(one.ifindex),
    one.mode,
    one.attached ? green('yes') : red('no'),
    one.received === undefined ? '' : formatCount(one.received.packets),
    one.note ?? (one.up ? '' : 'it is down'),
  ])
  return session.table(columns, rows)
}

function packetTable(session: Session, report: CountersReport): string {
  const whole = report.received.packets
  const row = (name: string, { packets, bytes }: Count) => [
    name,
    formatCount(packets),
    formatBytes(bytes),
    formatShare(packets, whole),
  ]
  const { tx } = report.verdicts
  const { bad } = report.synCookies
  const malformed = Object.entries(report.malformed).filter(([, count]) => count.packets > 0)
  const right = 'right' as const
  const columns = [
    { title: 'PACKETS' },
    { title: 'COUNT', align: right },
    { title: 'BYTES', align: right },
    { title: 'SHARE', align: right },
  ]
  return session.table(columns, [
    row('received', report.received),
    row('passed', report.verdicts.pass),
    row('dropped', report.verdicts.drop),
    ...(tx.packets === 0 ? [] : [row('answered with a cookie', tx)]),
    ...(bad.packets === 0 ? [] : [row('ACK without cookie', bad)]),
    row('passed by default', report.byDefault),
    ...malformed.map(([reason, count]) => row(`malformed: ${reason}`, count)),
  ])
}
