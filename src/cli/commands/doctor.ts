import { loadConfig } from '../../config/index.ts'
import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { bpfFindings } from '../doctor/bpf.ts'
import { dispatchFindings } from '../doctor/dispatch.ts'
import type { Finding, Level } from '../doctor/finding.ts'
import { interfaceFindings } from '../doctor/interfaces.ts'
import { lookAtState } from '../doctor/state.ts'
import { systemFindings } from '../doctor/system.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'
import type { Session } from '../session.ts'

export const doctor: CommandSpec<ConfigOptions> = {
  name: 'doctor',
  summary: 'say what will not work on this machine, why, and what to do',
  details: `Looks at the kernel and its BPF features, at capabilities, file systems and programs, and at the interfaces of the
configuration (without one, at those that are up). Changes nothing. Exit code 4 if something is missing without
which Seawall cannot work, 5 if all that is missing is root.`,
  group: 'read',
  examples: [
    ['seawall doctor', 'this machine, and the interfaces of the configuration'],
    ['seawall doctor --netns edge1', 'the interfaces of a network namespace'],
  ],
  define: configOption,
  async run(session, { options }) {
    const names = await interfaceNames(session, options.config)
    const system = systemFindings()
    const privileged = !system.some(({ check, level }) => check === 'capabilities' && level === 'problem')
    const state = await lookAtState(session)
    const findings = [
      ...system,
      ...(await bpfFindings(privileged)),
      ...state.findings,
      ...(await dispatchFindings(session)),
      ...interfaceFindings({ netns: session.paths.netns, names, attached: state.attached }),
    ]
    const exitCode = verdict(findings)
    session.result({ ok: exitCode === exitCodes.ok, findings }, () => format(session, findings))
    return exitCode
  },
}

/** A configuration that cannot be read is the business of `check`. */
async function interfaceNames(session: Session, named: string | undefined): Promise<string[]> {
  const path = session.findConfigPath(named)
  if (path === undefined) return []
  try {
    return (await loadConfig(path)).desired.interfaces.map((one) => one.name)
  } catch (error) {
    if (named !== undefined) throw error
    session.note(`The configuration ${path} cannot be read: see seawall check`)
    return []
  }
}

function verdict(findings: readonly Finding[]): ExitCode {
  const problems = findings.filter((finding) => finding.level === 'problem')
  if (problems.length === 0) return exitCodes.ok
  return problems.every((finding) => finding.check === 'capabilities') ? exitCodes.privilege : exitCodes.unsupported
}

function format(session: Session, findings: readonly Finding[]): string {
  const { green, yellow, red, dim } = session.colors
  const marks: Readonly<Record<Level, string>> = {
    ok: green('ok      '),
    note: dim('note    '),
    warning: yellow('warning '),
    problem: red('problem '),
  }
  const width = Math.max(...findings.map((finding) => finding.check.length))
  const lines = findings.flatMap((finding) => [
    `${marks[finding.level]} ${finding.check.padEnd(width)}  ${finding.found}`,
    ...(finding.remedy === undefined ? [] : [`${' '.repeat(width + 11)}${dim(`remedy: ${finding.remedy}`)}`]),
  ])
  return `${lines.join('\n')}\n\n${summary(findings)}\n`
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  const problems = count('problem')
  if (problems > 0)
    return `${plural(problems, 'problem')}, ${plural(count('warning'), 'warning')}: Seawall cannot work here yet`
  return count('warning') > 0 ? `Seawall works here; ${plural(count('warning'), 'warning')}` : 'Seawall works here'
}
