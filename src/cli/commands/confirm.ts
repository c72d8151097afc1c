import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const confirm: CommandSpec = {
  name: 'confirm',
  summary: 'keep what apply --confirm has put into force',
  group: 'change',
  examples: [['seawall confirm', 'the generation stays']],
  async run(session) {
    const control = await session.control()
    const done = await control.confirm()
    session.result(done, () => `${session.colors.green('confirmed')}  generation ${done.generation} stays\n`)
    return exitCodes.ok
  },
}
