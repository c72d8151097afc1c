import { formatMatch, type Match, parseBindingPrefix, parseProtocol, readBinding } from '../../dispatch/binding.ts'
import { compareMatches } from '../../dispatch/find-binding.ts'
import { hasPort, parsePorts } from '../../dispatch/ports.ts'
import type { BindingStatus } from '../../dispatch/types.ts'
import { prefixContains } from '../../net/prefix.ts'
import type { CommandSpec } from '../command.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBindings } from '../format/dispatch.ts'

export const bindings: CommandSpec = {
  name: 'bindings',
  summary: 'list the bindings of dispatch, the most specific first',
  details:
    'COUNT has the connections (TCP) or datagrams (UDP) that a binding has decided about. Exit code 6 if there is no dispatch.',
  group: 'read',
  examples: [
    ['seawall bindings', 'all of them'],
    ['seawall bindings tcp 192.0.2.0/24 443', 'those inside of a prefix that have the port'],
    ['seawall bindings any 2001:db8::/32', 'of both protocols'],
  ],
  define: (command) =>
    void command
      .argument('[protocol]', 'tcp, udp or any')
      .argument('[prefix]', 'those whose prefix lies in it')
      .argument('[port]', 'those that have the port'),
  async run(session, { args }) {
    const fits = readFilter(args)
    const dispatch = await openDispatch(session)
    const all = await session.progress('Reading the bindings', dispatch.bindings())
    const found = mostSpecificFirst(all.map(parse).filter(fits))
    session.result(found, () => formatBindings(session, found))
    return exitCodes.ok
  },
}

/** A binding, and what it is for: there may be a hundred thousand, so each is read once. */
interface Parsed {
  readonly binding: BindingStatus
  readonly match: Match
}

const parse = (binding: BindingStatus): Parsed => ({ binding, match: readBinding(binding) })

function readFilter([protocol = 'any', prefixText, portText]: readonly string[]): (one: Parsed) => boolean {
  const wanted = protocol === 'any' ? undefined : parseProtocol(protocol)
  const outer = prefixText === undefined ? undefined : parseBindingPrefix(prefixText)
  const ports = portText === undefined ? undefined : parsePorts(portText)
  return ({ match }) => {
    if (wanted !== undefined && match.protocol !== wanted) return false
    if (outer !== undefined && (match.prefix.length < outer.length || !prefixContains(outer, match.prefix)))
      return false
    return ports === undefined || hasPort(match.ports, ports.from) || hasPort(ports, match.ports.from)
  }
}

function mostSpecificFirst(all: readonly Parsed[]): BindingStatus[] {
  const named = all.map(({ binding, match }) => ({ binding, match, text: formatMatch(match) }))
  named.sort((a, b) => compareMatches(a.match, b.match) || (a.text < b.text ? -1 : 1))
  return named.map(({ binding }) => binding)
}
