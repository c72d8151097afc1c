import type { Colors } from 'picocolors/types.js'
import type { IptablesChange, IptablesPlan, IptablesStatus } from '../../firewall/iptables/index.ts'
import type { Session } from '../session.ts'
import { formatCount, plural } from './numbers.ts'

const signs: Readonly<Record<IptablesChange['kind'], string>> = { add: '+', remove: '-', move: '>' }

/** The changes one a line, with the warnings, and where they are made. */
export function formatIptablesPlan(colors: Colors, plan: IptablesPlan): string {
  const lines = plan.changes.map((change) => {
    const paint = { add: colors.green, remove: colors.red, move: colors.cyan }[change.kind]
    const program = change.family === undefined ? '' : change.family === 4 ? 'iptables ' : 'ip6tables '
    return `${paint(`${signs[change.kind]} ${change.what}`)}  ${program}${change.text}`
  })
  const warnings = plan.warnings.map((warning) => `${colors.yellow('warning:')} ${warning}`)
  const what = plan.changes.length === 0 ? 'nothing to change' : plural(plan.changes.length, 'change')
  return `${[...lines, ...warnings, `${what}; iptables ${plan.variant}, table ${plan.table}`].join('\n')}\n`
}

/** A line for each rule of the chain. */
export function formatIptablesStatus(session: Session, status: IptablesStatus): string {
  const counts = [...status.rules, { id: '(malformed)', target: undefined, ...status.malformed }]
  const rows = counts.map(({ id, target, ipv4, ipv6 }) => [
    id,
    target ?? '',
    ...[ipv4.packets, ipv4.bytes, ipv6.packets, ipv6.bytes].map(formatCount),
  ])
  const head = `iptables ${status.variant}, table ${status.table}, chain SEAWALL, from ${status.interfaces.join(', ')}\n\n`
  const right = ['IPV4 PACKETS', 'BYTES', 'IPV6 PACKETS', 'BYTES'].map((title) => ({ title, align: 'right' }) as const)
  return head + session.table([{ title: 'RULE' }, { title: 'TARGET' }, ...right], rows)
}
