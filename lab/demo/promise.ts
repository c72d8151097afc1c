import type { PhaseFigures } from './figures.ts'

/** Of requests under protection that must be answered. */
export const WANTED = 0.999
/** Without protection no more than this may be answered, or the demo shows nothing. */
export const COLLAPSED = 0.95

/** What the demo promises and did not keep, as sentences; none if all is well. */
export function broken(phases: readonly PhaseFigures[]): string[] {
  return phases.flatMap((phase) => [...brokenAnswers(phase), ...brokenCounts(phase)])
}

export function answeredShare({ legitAnswered, legitSent }: PhaseFigures): number {
  return legitSent === 0 ? 0 : legitAnswered / legitSent
}

function brokenAnswers(phase: PhaseFigures): string[] {
  const share = answeredShare(phase)
  const found = `${(share * 100).toFixed(2)} % of requests were answered`
  if (phase.name === 'unprotected') {
    return share <= COLLAPSED ? [] : [`${phase.name}: ${found}, expected at most ${COLLAPSED * 100} % under attack`]
  }
  return share >= WANTED ? [] : [`${phase.name}: ${found}, wanted at least ${WANTED * 100} %`]
}

function brokenCounts(phase: PhaseFigures): string[] {
  const { name, attackSent, attackDropped, attackPassed, attackLost, legitDropped } = phase
  const sum = attackDropped + attackPassed + attackLost
  const problems: string[] = []
  if (legitDropped !== 0) problems.push(`${name}: rules dropped ${legitDropped} packets of good clients, wanted 0`)
  if (sum !== attackSent) problems.push(`${name}: of ${attackSent} attack packets ${sum} are accounted for, wanted all`)
  if (name !== 'calm' && attackSent === 0) problems.push(`${name}: there was no attack`)
  if (name !== 'calm' && name !== 'unprotected' && attackDropped === 0)
    problems.push(`${name}: no rule dropped anything`)
  return problems
}
