import { formatDuration } from '../../entry/duration.ts'
import type { RuleStatus } from '../../firewall/index.ts'
import type { Session } from '../session.ts'
import { formatRows, type RowColumn } from './columns.ts'
import { formatBytes, formatCount } from './numbers.ts'

const columns: readonly RowColumn<RuleStatus>[] = [
  { title: 'ID', cell: (rule) => rule.id },
  { title: 'PACKETS', align: 'right', cell: (rule) => formatCount(rule.count.packets) },
  { title: 'BYTES', align: 'right', cell: (rule) => formatBytes(rule.count.bytes) },
  { title: 'EXPIRES', cell: expiry, has: (rule) => rule.dynamic },
  { title: 'RULE', cell: ruleBody },
]

/** The rules as a table, in the order in which they are tried. */
export function formatRules(session: Session, rules: readonly RuleStatus[]): string {
  if (rules.length === 0) return 'no rules: every well-formed packet passes\n'
  return formatRows(session, columns, rules)
}

/** The text of a rule without its id, which has a place of its own. */
export function ruleBody({ id, text }: Pick<RuleStatus, 'id' | 'text'>): string {
  return text.startsWith(`${id}: `) ? text.slice(id.length + 2) : text
}

function expiry(rule: RuleStatus): string {
  if (!rule.dynamic) return ''
  if (rule.expiresInMs === undefined) return 'on undo'
  return rule.expiresInMs === 0 ? 'expired' : `in ${formatDuration(rule.expiresInMs)}`
}
