import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'

export const detach: CommandSpec = {
  name: 'detach',
  summary: 'take rules away from the sockets they were attached to',
  details:
    'Sockets that are closed by now, and processes that have ended, are no mistake. Names are those of seawall sockets.',
  group: 'change',
  examples: [['seawall detach web', 'what seawall attach --name web did']],
  define: (command) => void command.argument('<name>', 'name given, or made, by seawall attach'),
  async run(session, { args }) {
    const { detachFromSockets } = await import('../../firewall/sockets/attachments.ts')
    const detached = await session.progress('Detaching', detachFromSockets(session.paths, args[0]!))
    session.result(detached, () => {
      const open = detached.sockets.filter((socket) => socket.open).length
      const closed = detached.sockets.length - open
      const rest = closed === 0 ? '' : `; ${plural(closed, 'socket')} had been closed`
      return `${session.colors.green('detached')}  ${plural(open, 'socket')}${rest}\n`
    })
    return exitCodes.ok
  },
}
