import type { Colors } from 'picocolors/types.js'
import type { Change, ChangeKind, Plan } from '../../firewall/index.ts'
import { formatCount, plural } from './numbers.ts'
import { shortenServices } from './service-text.ts'

const signs: Readonly<Record<ChangeKind, string>> = { add: '+', remove: '-', change: '~', move: '>' }

/** The changes one a line, with the warnings, and what the program becomes. */
export function formatPlan(colors: Colors, plan: Plan): string {
  const lines = plan.changes.flatMap((change) => changeLines(colors, change))
  const warnings = plan.warnings.map((warning) => `${colors.yellow('warning:')} ${warning}`)
  const size = `${plural(plan.rules, 'rule')} in ${plural(plan.instructions, 'instruction')}`
  const head = plan.fresh ? 'nothing is in force yet' : lines.length === 0 ? 'nothing to change' : counts(plan.changes)
  return `${[...lines, ...warnings, `${head}; ${size}`].join('\n')}\n`
}

function changeLines(colors: Colors, change: Change): string[] {
  const paint = { add: colors.green, remove: colors.red, change: colors.yellow, move: colors.cyan }[change.kind]
  const title = paint(`${signs[change.kind]} ${change.what} ${change.name}`)
  const { before, after } = shorten(change)
  if (change.kind === 'change' && before !== undefined && after !== undefined) {
    return [title, `    ${colors.red(`- ${before}`)}`, `    ${colors.green(`+ ${after}`)}`]
  }
  const text = change.kind === 'remove' ? before : after
  return [text === undefined ? title : `${title}  ${text}`]
}

/** Services may have a thousand backends: of those only what tells the two apart. */
function shorten(change: Change): Pick<Change, 'before' | 'after'> {
  return change.what === 'service' ? shortenServices(change.before, change.after) : change
}

function counts(changes: readonly Change[]): string {
  const words: Readonly<Record<ChangeKind, string>> = {
    add: 'to add',
    change: 'to change',
    move: 'to move',
    remove: 'to remove',
  }
  const kinds = Object.keys(words) as ChangeKind[]
  const parts = kinds.flatMap((kind) => {
    const count = changes.filter((change) => change.kind === kind).length
    return count === 0 ? [] : [`${formatCount(count)} ${words[kind]}`]
  })
  return parts.join(', ')
}
