import type { CommandSpec } from '../command.ts'
import { parseGeneration } from '../dispatch/generation-option.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatPromoted } from '../format/generations.ts'

export const promote: CommandSpec = {
  name: 'promote',
  summary: 'have a generation of sockets get what is new of its label',
  details: `Connections and flows that others have stay with them. It is refused, and nothing changes, while the generation has no open socket, or
none of a protocol and family that the one before has. Seawall rollback --label goes back.`,
  group: 'change',
  examples: [
    ['seawall promote web', 'the newest one that waits'],
    ['seawall promote web 3', 'one by its number'],
  ],
  define: (command) => void command.argument('<label>', 'whose generation').argument('[number]', 'which one'),
  async run(session, { args }) {
    const [label = '', number] = args
    const generation = number === undefined ? 'newest' : parseGeneration(number)
    const dispatch = await openDispatch(session)
    const result = await session.progress('Promoting', dispatch.promote(label, generation))
    session.result(result, () => formatPromoted(session, result))
    return exitCodes.ok
  },
}
