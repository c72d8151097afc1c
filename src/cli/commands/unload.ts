import type { CommandSpec } from '../command.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'

export const unload: CommandSpec = {
  name: 'unload',
  summary: 'remove bindings, registered sockets and the program of dispatch',
  details: `Sockets get only what they are bound to from then on. Connections that are established stay. Works whatever version made the
state, and if it is broken.`,
  group: 'change',
  examples: [['seawall unload', 'as if nothing had ever been bound']],
  async run(session) {
    const dispatch = await openDispatch(session)
    const unloaded = await session.progress('Unloading', dispatch.unload())
    session.result({ unloaded }, () =>
      unloaded ? `${session.colors.green('unloaded')}  sockets get what they are bound to\n` : 'nothing was loaded\n',
    )
    return exitCodes.ok
  },
}
