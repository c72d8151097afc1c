import type { BackendStatus } from '../../balancer/index.ts'
import type { CommandSpec } from '../command.ts'
import { parseGeneration } from '../dispatch/generation-option.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { stateText } from '../format/backends.ts'
import { formatPromoted } from '../format/generations.ts'
import { plural } from '../format/numbers.ts'
import type { Session } from '../session.ts'

interface DrainFlags {
  readonly label?: string
}

export const drain: CommandSpec<DrainFlags> = {
  name: 'drain',
  summary: 'move new connections away from a backend, or from a generation of sockets',
  details: `All buckets of the backend go to the others. Connections that it has stay with it until they end; seawall backends
says when it is drained. It stays so over reloads, until seawall undrain. With --label it is a generation of a label's sockets that
gets nothing new any more; while no other works, its traffic is missing a socket.`,
  group: 'change',
  examples: [
    ['seawall drain edge2', 'before it is rebooted'],
    ['seawall drain 3 --label web', 'take a server out of service that is to end'],
  ],
  define: (command) =>
    void command
      .argument('<name>', 'name of the backend, or number of the generation')
      .option('--label <label>', 'whose generation it is'),
  async run(session, { args, options }) {
    if (options.label !== undefined) {
      const dispatch = await openDispatch(session)
      const number = parseGeneration(args[0] ?? '')
      const result = await session.progress('Draining', dispatch.drain(options.label, number))
      session.result(result, () => formatPromoted(session, result))
      return exitCodes.ok
    }
    const control = await session.control()
    const backend = await session.progress('Moving buckets', control.drain(args[0] ?? ''))
    session.result(backend, () => describe(session, backend))
    return exitCodes.ok
  },
}

function describe(session: Session, { name, state, buckets, previous }: BackendStatus): string {
  const waiting = buckets === 0 ? '' : `; ${plural(buckets, 'bucket')} cannot move yet`
  const left =
    previous === 0 ? '' : `; it may have connections of ${plural(previous, 'bucket')}, which stay until they end`
  return `${stateText(session, state)}  ${name} gets no new connections${waiting}${left}\nto undo:  seawall undrain ${name}\n`
}
