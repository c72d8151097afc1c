import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'
import { ruleBody } from '../format/rules.ts'

export const undo: CommandSpec = {
  name: 'undo',
  summary: 'remove a rule that drop has added',
  group: 'change',
  examples: [['seawall undo chargen', 'seawall rules lists the ids']],
  define: (command) => void command.argument('<id>', 'id of the rule'),
  async run(session, { args }) {
    const control = await session.control()
    const rule = await session.progress('Applying', control.undo(args[0] ?? ''))
    session.result(
      rule,
      () =>
        `${session.colors.green('undone')}  ${rule.id}: ${ruleBody(rule)}  (it decided ${plural(rule.count.packets, 'packet')})\n`,
    )
    return exitCodes.ok
  },
}
