import { parseProtocol } from '../../dispatch/binding.ts'
import type { CommandSpec } from '../command.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'

export const unregister: CommandSpec = {
  name: 'unregister',
  summary: 'take the sockets of a label away from it',
  details:
    'The sockets stay open, and connections stay with them. Bindings stay, too: their traffic is refused, or passes, as they say.',
  group: 'change',
  examples: [
    ['seawall unregister web', 'all sockets of the label'],
    ['seawall unregister web ipv4 tcp', 'those of a family and protocol'],
  ],
  define: (command) =>
    void command
      .argument('<label>', 'name of what has the sockets')
      .argument('[domain]', 'ipv4 or ipv6')
      .argument('[protocol]', 'tcp or udp'),
  async run(session, { args }) {
    const [label = '', domain, protocol] = args
    const selection = {
      label,
      ...(domain === undefined ? {} : { family: readDomain(domain) }),
      ...(protocol === undefined ? {} : { protocol: parseProtocol(protocol) }),
    }
    const dispatch = await openDispatch(session)
    const sockets = await session.progress('Unregistering', dispatch.unregister(selection))
    session.result({ label, sockets }, () => `${session.colors.green('unregistered')}  ${plural(sockets, 'socket')}\n`)
    return exitCodes.ok
  },
}

function readDomain(text: string): 4 | 6 {
  if (text === 'ipv4') return 4
  if (text === 'ipv6') return 6
  throw usageError(`Cannot read domain "${text}": wanted ipv4 or ipv6`)
}
