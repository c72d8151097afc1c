import type { PolicyWords } from '../../dispatch/policy.ts'
import type { CommandSpec } from '../command.ts'
import { bindingArguments, policyOptions, readBindingArguments } from '../dispatch/binding-arguments.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBindResult } from '../format/dispatch.ts'

export const bind: CommandSpec<PolicyWords> = {
  name: 'bind',
  summary: 'give the traffic of a prefix and port to the sockets of a label',
  details: `The longest prefix wins that has the port at all; in it a single port before a range, and that before any. What is bound
to another label already goes to this one. Bindings stay over reloads, until seawall unbind, and may be made before or after sockets
are registered (seawall register-pid). Addresses must be local, but need not be on an interface: ip route add local PREFIX dev lo.`,
  group: 'change',
  examples: [
    ['seawall bind api tcp 192.0.2.9 443 --spread least-loaded', 'by turns, but not to processes that hang'],
    ['seawall bind web tcp 192.0.2.0/24 any', 'all ports of 256 addresses'],
    ['seawall bind dns udp 2001:db8::53 53 --missing pass', 'if no socket is registered, as if it were not bound'],
    [
      'seawall bind games udp 192.0.2.0/24 20000-49999 --flows first-packet',
      'a range; players stay where they are when the server restarts',
    ],
    ['seawall bind web udp 192.0.2.1 443 --flows quic', 'connections stay by their ids, also of clients that move'],
    [
      "seawall bind game udp 192.0.2.1 7777 --flows cookie --cookie '2,40 0 0 0,22 0 0 0'",
      'sessions stay by the cookie that the first two octets are',
    ],
  ],
  define: (command) => void policyOptions(bindingArguments(command)),
  async run(session, { args, options }) {
    const binding = readBindingArguments(args, options)
    const dispatch = await openDispatch(session)
    const result = await session.progress('Binding', dispatch.bind([binding]))
    session.result(result, () => formatBindResult(session, result))
    return exitCodes.ok
  },
}
