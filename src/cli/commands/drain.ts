import type { BackendStatus } from '../../balancer/index.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { stateText } from '../format/backends.ts'
import { plural } from '../format/numbers.ts'
import type { Session } from '../session.ts'

export const drain: CommandSpec = {
  name: 'drain',
  summary: 'move new connections away from a backend',
  details: `All buckets of the backend go to the others. Connections that it has stay with it until they end; seawall backends
says when it is drained. It stays so over reloads, until seawall undrain.`,
  group: 'change',
  examples: [['seawall drain edge2', 'before it is rebooted']],
  define: (command) => void command.argument('<name>', 'name of the backend'),
  async run(session, { args }) {
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
