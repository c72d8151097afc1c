import type { ProbedProgram } from '../../firewall/index.ts'
import type { Session } from '../session.ts'

/** Where the answers come from: the rules, and what the kernel ran if it was asked. */
export function headText(session: Session, origin: string, program: ProbedProgram | null): string {
  const { dim } = session.colors
  const lines = [`${dim('rules')}    ${origin}`]
  if (program !== null) lines.push(`${dim('program')}  ${programText(session, program)}`)
  return `${lines.join('\n')}\n`
}

function programText({ colors }: Session, { live, tag, liveTag }: ProbedProgram): string {
  if (live) return `test runs of the live program (tag ${tag})`
  const found = tag === liveTag ? `tag ${tag}, other tables` : `tag ${tag}, in force ${liveTag}`
  return colors.bold(colors.red(`NOT the live program (${found}): another build of Seawall made that, apply again`))
}
