import type { PhaseFigures } from './figures.ts'
import { kindOf } from './phases.ts'

/** Of requests under protection that must be answered. */
export const WANTED = 0.999
/** Without protection no more than this may be answered, or the demo shows nothing: of all requests, or of new connections. */
export const COLLAPSED = { all: 0.95, connections: 0.5 }

/** What the demo promises and did not keep, as sentences; none if all is well. */
export function broken(phases: readonly PhaseFigures[]): string[] {
  return phases.flatMap((phase) => [...brokenAnswers(phase), ...brokenCounts(phase)])
}

export interface Answers {
  readonly sent: number
  readonly answered: number
}

/** What tells how a phase went: new connections, which are the first to fail, where they are starved or saved from it; else all requests. */
export function telling({
  name,
  http,
  legitSent,
  legitAnswered,
}: PhaseFigures): Answers & { readonly isHttp: boolean } {
  const { attack, bare } = kindOf(name)
  if (attack === 'syn' || bare === true) return { ...http, isHttp: true }
  return { sent: legitSent, answered: legitAnswered, isHttp: false }
}

function brokenAnswers(phase: PhaseFigures): string[] {
  const { attack, bare } = kindOf(phase.name)
  const all = { sent: phase.legitSent, answered: phase.legitAnswered }
  if (bare === true) return standing(phase, all)
  return [
    ...below(phase.name, 'requests', all),
    ...(attack === 'syn' ? below(phase.name, 'new connections', phase.http) : []),
  ]
}

const shareOf = ({ sent, answered }: Answers): number => (sent === 0 ? 0 : answered / sent)
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

/** SYNs are about new connections; other attacks are enough for either, and for which depends on the machine. */
function standing({ name, http }: PhaseFigures, all: Answers): string[] {
  const connectionsFail = http.sent > 0 && shareOf(http) <= COLLAPSED.connections
  const allFail = kindOf(name).attack === 'mixed' && shareOf(all) <= COLLAPSED.all
  if (connectionsFail || allFail) return []
  const found = `${percent(shareOf(http))} of ${http.sent} new connections and ${percent(shareOf(all))} of all requests`
  return [
    `${name}: ${found} were answered, expected no more than ${COLLAPSED.connections * 100} % of the former under attack`,
  ]
}

function below(name: string, what: string, answers: Answers): string[] {
  const share = shareOf(answers)
  if (share >= WANTED) return []
  return [`${name}: ${percent(share)} of ${what} were answered, wanted at least ${WANTED * 100} %`]
}

function brokenCounts(phase: PhaseFigures): string[] {
  const { name, attackSent, attackDropped, attackAnswered, attackPassed, attackLost, legitDropped } = phase
  const { attack, bare } = kindOf(name)
  const sum = attackDropped + attackAnswered + attackPassed + attackLost
  const problems: string[] = []
  if (legitDropped !== 0) problems.push(`${name}: dropped ${legitDropped} packets of good clients, wanted 0`)
  if (sum !== attackSent) problems.push(`${name}: of ${attackSent} attack packets ${sum} are accounted for, wanted all`)
  if (attack === undefined) return problems
  if (attackSent === 0) problems.push(`${name}: there was no attack`)
  if (bare !== true && attackDropped + attackAnswered === 0) problems.push(`${name}: nothing was done about the attack`)
  return problems
}
