import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const rollback: CommandSpec = {
  name: 'rollback',
  summary: 'go back to the generation before',
  group: 'change',
  examples: [['seawall rollback', 'undo the last apply']],
  async run(session) {
    const control = await session.control()
    const done = await session.progress('Rolling back', control.rollback())
    session.result(done, () => {
      const now =
        done.generation === undefined ? 'nothing is in force, as before' : `generation ${done.generation} is in force`
      return `${session.colors.green('rolled back')}  ${now}\n`
    })
    return exitCodes.ok
  },
}
