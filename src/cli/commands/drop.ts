import { formatDuration, parseDuration } from '../../entry/duration.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { ruleBody } from '../format/rules.ts'

interface DropFlags {
  readonly for?: string
  readonly id?: string
}

export const drop: CommandSpec<DropFlags> = {
  name: 'drop',
  summary: 'drop what matches an expression, from now on',
  details: `Adds a dynamic rule before the configured ones. It survives reloads and the end of the agent; with --for it
expires exactly then, whether an agent runs or not.`,
  group: 'change',
  examples: [
    ["seawall drop 'ip.src == 192.0.2.7'", 'until seawall undo'],
    ["seawall drop 'udp.srcport == 19' --for 10m --id chargen", 'for ten minutes, under a name of its own'],
  ],
  define: (command) =>
    void command
      .argument('<expression...>', 'expression of the rule language (docs/rules.md)')
      .option('--for <duration>', 'expire after so long (default: never)')
      .option('--id <name>', 'id of the rule (default: made from the expression)'),
  async run(session, { args, options }) {
    const forMs = options.for === undefined ? undefined : parseDuration(options.for)
    const control = await session.control()
    const wanted = {
      ...(forMs === undefined ? {} : { forMs }),
      ...(options.id === undefined ? {} : { id: options.id }),
    }
    const rule = await session.progress('Applying', control.drop(args.join(' '), wanted))
    session.result(rule, () => {
      const end = forMs === undefined ? '' : `; it expires in ${formatDuration(forMs)}`
      return `${session.colors.green('dropping')}  ${ruleBody(rule)}${end}\nto undo:  seawall undo ${rule.id}\n`
    })
    return exitCodes.ok
  },
}
