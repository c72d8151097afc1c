import type { Command } from 'commander'
import type { Control } from '../../agent/index.ts'
import { formatDuration, parseDuration } from '../../entry/duration.ts'
import type { ApplyResult } from '../../firewall/index.ts'
import { awaitConfirm, type RollBackIfDue } from '../await-confirm.ts'
import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { formatPlan } from '../format/plan.ts'
import { type Session, WAIT_MS } from '../session.ts'

interface ApplyFlags extends ConfigOptions {
  readonly confirm?: string
}

export const apply: CommandSpec<ApplyFlags> = {
  name: 'apply',
  summary: 'put the configuration into force, all of it or nothing',
  details: `Everything is loaded and verified first, then swapped in at once; on failure nothing has changed.
With --confirm the generation before comes back by itself unless seawall confirm is called in time. If an
agent runs it keeps the time, and apply returns at once; otherwise apply stays in the foreground for as long.`,
  group: 'change',
  examples: [
    ['seawall apply', 'the configuration of this folder'],
    ['seawall apply --confirm 60s', 'roll back in a minute, unless seawall confirm says that all is well'],
  ],
  define: (command: Command) => {
    configOption(command)
    command.option('--confirm <duration>', 'roll back so long after it is in force without seawall confirm')
  },
  async run(session, { options }) {
    const confirmWithinMs = options.confirm === undefined ? undefined : parseDuration(options.confirm)
    const config = session.configPath(options.config)
    const control = await session.control(config)
    const wanted = { config, ...(confirmWithinMs === undefined ? {} : { confirmWithinMs }) }
    const result = await session.progress('Applying', control.apply(wanted))
    if (result.pending === undefined || !session.local) return report(session, result)
    return waitInForeground(session, control, result)
  },
}

function report(session: Session, result: ApplyResult): ExitCode {
  session.result(result, () => describe(session, result))
  return exitCodes.ok
}

function describe(session: Session, result: ApplyResult): string {
  const { green, yellow } = session.colors
  const took = formatDuration(result.tookMs)
  const done = result.changed
    ? `${green('applied')}  generation ${result.generation} is in force (${took})`
    : `${green('unchanged')}  generation ${result.generation} already is what the configuration says`
  const pending = result.pending
    ? `\n${yellow('not confirmed')}  rolls back in ${formatDuration(result.pending.dueInMs)}, unless: seawall confirm`
    : ''
  return `${formatPlan(session.colors, result.plan)}${done}${pending}\n`
}

async function waitInForeground(session: Session, control: Control, result: ApplyResult): Promise<ExitCode> {
  if (!session.json) session.env.stdout.write(describe(session, result))
  session.note('No agent runs, so this command keeps the time: Ctrl-C rolls back at once.')
  const outcome = await awaitConfirm(control, rollBackIfDue(session), session.env.signal)
  const exitCode =
    outcome === 'confirmed' ? exitCodes.ok : outcome === 'interrupted' ? exitCodes.interrupted : exitCodes.failed
  if (session.json) session.result({ ...result, outcome }, () => '')
  else session.env.stdout.write(outcomeLine(session, outcome, result.generation))
  return exitCode
}

function rollBackIfDue({ paths }: Session): RollBackIfDue {
  return async (due) => {
    const { LocalControl } = await import('../../agent/index.ts')
    return await new LocalControl({ paths, waitMs: WAIT_MS }).rollbackIfDue(due)
  }
}

function outcomeLine({ colors }: Session, outcome: string, generation: number): string {
  if (outcome === 'confirmed') return `${colors.green('confirmed')}  generation ${generation} stays\n`
  return `${colors.red('rolled back')}  generation ${generation} was not confirmed${outcome === 'interrupted' ? ' (Ctrl-C)' : ''}\n`
}
