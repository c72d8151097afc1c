import type { Rule } from '../../rules/ast.ts'
import { formatRate } from '../../rules/print.ts'
import type { Family } from './family.ts'
import { hashlimit } from './hashlimit.ts'

/** What becomes of packets that match: matches that come last, and the target. */
export interface ActionParts {
  readonly matches: readonly string[]
  readonly target: readonly string[]
  readonly warning?: string
}

/** Group of the NFLOG messages of `sample` rules. */
export const NFLOG_GROUP = 1

/** Part of a limit's rate that it may be off without a word. */
const UNSEEN = 0.001

/** @throws RuleProblem */
export function actionParts({ id, action }: Pick<Rule, 'id' | 'action'>, family: Family): ActionParts {
  switch (action.kind) {
    case 'drop':
      return { matches: [], target: ['-j DROP'] }
    case 'pass':
      // Back to whatever else is in PREROUTING: a pass of Seawall's is no pass of other rules.
      return { matches: [], target: ['-j RETURN'] }
    case 'count':
      return { matches: [], target: [] }
    case 'sample': {
      const nth = action.every === 1 ? [] : [`-m statistic --mode nth --every ${action.every} --packet 0`]
      return { matches: nth, target: [`-j NFLOG --nflog-prefix ${quoted(id)} --nflog-group ${NFLOG_GROUP}`] }
    }
    case 'limit': {
      const { text, rate } = hashlimit(id, action, family)
      const parts = { matches: [text], target: ['-j DROP'] }
      if (Math.abs(rate / action.rate - 1) <= UNSEEN) return parts
      return { ...parts, warning: `rule "${id}": ${formatRate(action.rate)} is kept as ${Math.round(rate)}/s` }
    }
  }
}

/** As iptables-save prints text that is not its own. */
const quoted = (text: string): string => (/^[\w-]+$/.test(text) ? text : `"${text}"`)
