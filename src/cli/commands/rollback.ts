import type { CommandSpec } from '../command.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatPromoted } from '../format/generations.ts'

interface RollbackFlags {
  readonly label?: string
}

export const rollback: CommandSpec<RollbackFlags> = {
  name: 'rollback',
  summary: 'go back to the generation before, of the configuration or of a server',
  details: `With --label the sockets of the server that ran before get what is new again; they must be open still (seawall generations).`,
  group: 'change',
  examples: [
    ['seawall rollback', 'undo the last apply'],
    ['seawall rollback --label web', 'undo the last promotion of a generation of sockets'],
  ],
  define: (command) => void command.option('--label <label>', 'the generation of its sockets'),
  async run(session, { options }) {
    if (options.label !== undefined) {
      const dispatch = await openDispatch(session)
      const result = await session.progress('Rolling back', dispatch.promote(options.label, 'previous'))
      session.result(result, () => formatPromoted(session, result))
      return exitCodes.ok
    }
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
