import type { CommandSpec } from '../command.ts'
import { bindingArguments, readBindingArguments } from '../dispatch/binding-arguments.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBindResult } from '../format/dispatch.ts'

export const unbind: CommandSpec = {
  name: 'unbind',
  summary: 'take back a binding that was made by a command',
  details: 'Connections that are established stay with their sockets. Sockets of the label stay registered.',
  group: 'change',
  examples: [['seawall unbind web tcp 192.0.2.0/24 any', 'as it was bound']],
  define: (command) => void bindingArguments(command),
  async run(session, { args }) {
    const binding = readBindingArguments(args)
    const dispatch = await openDispatch(session)
    const result = await session.progress('Unbinding', dispatch.unbind([binding]))
    session.result(result, () => formatBindResult(session, result))
    return exitCodes.ok
  },
}
