import type { CommandSpec } from '../command.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatGenerations } from '../format/generations.ts'

export const generations: CommandSpec = {
  name: 'generations',
  summary: 'list the runs of servers that have sockets, with what they have to end',
  details: `A generation waits until it is promoted, works while it gets what is new, and drains when another does. CONNECTIONS counts those of
TCP that clients have with its processes and their children, FLOWS those of UDP that stay with it (bindings with --flows). Exit code 6 if there is no dispatch.`,
  group: 'read',
  examples: [
    ['seawall generations', 'of all labels'],
    ['seawall generations web', 'of one'],
  ],
  define: (command) => void command.argument('[label]', 'only this label'),
  async run(session, { args }) {
    const [label] = args
    const dispatch = await openDispatch(session)
    const all = await session.progress('Counting connections and flows', dispatch.generations())
    const found = all.filter((one) => label === undefined || one.label === label)
    session.result(found, () => formatGenerations(session, found))
    return exitCodes.ok
  },
}
