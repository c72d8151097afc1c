import type { CommandSpec } from '../command.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatDestinations } from '../format/dispatch.ts'

export const destinations: CommandSpec = {
  name: 'destinations',
  summary: 'list what bindings lead to: the sockets of each label, with counters',
  details: `A label has sockets of a protocol and a family. DISPATCHED counts connections (TCP) or datagrams (UDP) that got a socket,
KEPT datagrams that got the socket of their flow, MISSING those that came while none was open, UNUSABLE those whose socket was connected by then. Exit code 6 if there is no dispatch.`,
  group: 'read',
  examples: [
    ['seawall destinations', 'a table'],
    ['seawall destinations web', 'of one label'],
    ['seawall destinations --json', 'with the cookie of every socket'],
  ],
  define: (command) => void command.argument('[label]', 'only this label'),
  async run(session, { args }) {
    const dispatch = await openDispatch(session)
    const all = dispatch.status().destinations
    const found = args[0] === undefined ? all : all.filter(({ label }) => label === args[0])
    session.result(found, () => formatDestinations(session, found))
    return exitCodes.ok
  },
}
