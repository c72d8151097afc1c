import { loadConfig } from '../../config/index.ts'
import type { AttachRequest } from '../../firewall/sockets/attachments.ts'
import { parseRules } from '../../rules/index.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'
import { parseCount } from '../parse-count.ts'
import type { Session } from '../session.ts'

interface AttachFlags {
  readonly pid?: string
  readonly fd?: string
  readonly unit?: string
  readonly port?: string
  readonly protocol?: string
  readonly config?: string
  readonly name?: string
}

export const attach: CommandSpec<AttachFlags> = {
  name: 'attach',
  summary: 'put rules in front of the sockets of a running process',
  details: `Packets that the rules drop never reach the socket; its process need not know, and is not stopped. Sockets
are those that match every option: UDP, and TCP that waits for connections (which the ones it accepts inherit). The
rules are the arguments, or the firewall part of --config, and see IP packets: there is no eth.src and no vlan.

They stay until seawall detach, or until the socket is closed, whether any process of Seawall runs or not.`,
  group: 'change',
  examples: [
    ["seawall attach 'limit 1k/s per ip.src if udp' --port 53", 'all that wait at port 53'],
    ["seawall attach 'drop if tcp.flags == 0' --unit nginx --name web", 'all of a service'],
    ['seawall attach --config rules.yaml --pid 4711 --fd 12', 'one socket'],
  ],
  define: (command) =>
    void command
      .argument('[rule...]', 'rules (docs/rules.md), tried in order')
      .option('--pid <id>', 'sockets of this process')
      .option('--fd <number>', 'with --pid, the socket that has this descriptor there, of any state')
      .option('--unit <name>', 'sockets of the processes of a systemd service')
      .option('--port <range>', 'sockets bound to this port, or to ports such as 20000-49999')
      .option('--protocol <name>', 'udp or tcp')
      .option('-c, --config <file>', 'take rules, sets and malformed of a configuration')
      .option('--name <name>', 'name to detach it by (default: made from the options)'),
  async run(session, { args, options }) {
    const sockets = readSelection(options)
    const request = { name: options.name ?? nameOf(sockets), sockets, rules: await readRules(session, args, options) }
    const { attachToSockets } = await import('../../firewall/sockets/attachments.ts')
    const attached = await session.progress('Attaching', attachToSockets(session.paths, request))
    session.result(attached, () => {
      const what = plural(attached.sockets.length, 'socket')
      return `${session.colors.green('attached')}  ${what}\nto undo:  seawall detach ${attached.name}\n`
    })
    return exitCodes.ok
  },
}

async function readRules(
  session: Session,
  args: readonly string[],
  { config }: AttachFlags,
): Promise<AttachRequest['rules']> {
  if (config === undefined && args.length > 0) return { rules: parseRules(args), sets: new Map(), malformed: 'drop' }
  if (config === undefined) throw usageError('Cannot attach without rules: wanted rules as arguments, or --config FILE')
  if (args.length > 0) throw usageError('Cannot attach rules of both arguments and --config: wanted one of them')
  const { desired } = await loadConfig(session.configPath(config))
  return desired
}

function readSelection({ pid, fd, unit, port, protocol }: AttachFlags): AttachRequest['sockets'] {
  if (protocol !== undefined && protocol !== 'udp' && protocol !== 'tcp')
    throw usageError(`Cannot use --protocol "${protocol}": wanted udp or tcp`)
  if (fd !== undefined && pid === undefined) throw usageError('Cannot use --fd without --pid: wanted the process, too')
  if (pid === undefined && unit === undefined && port === undefined)
    throw usageError('Cannot attach without a socket: wanted --pid, --unit or --port')
  return {
    ...(pid === undefined ? {} : { pid: parseCount('--pid', pid, 2 ** 22) }),
    ...(fd === undefined ? {} : { fd: fd === '0' ? 0 : parseCount('--fd', fd, 2 ** 30) }),
    ...(unit === undefined ? {} : { unit }),
    ...(port === undefined ? {} : { ports: readPorts(port) }),
    ...(protocol === undefined ? {} : { protocol }),
  }
}

function readPorts(text: string): readonly [number, number] {
  const [first = '', last = first] = text.split('-', 2)
  const [from, to] = [parseCount('--port', first, 65_535), parseCount('--port', last, 65_535)]
  if (from <= to) return [from, to]
  throw usageError(`Cannot use --port "${text}": wanted the smaller port first`)
}

/** Such as `udp-53`, `nginx` or `pid-4711-fd-12`. */
function nameOf({ pid, fd, unit, ports, protocol }: AttachRequest['sockets']): string {
  const parts = [
    unit?.replaceAll(/[^\w-]/g, '_'),
    ...(pid === undefined ? [] : ['pid', pid]),
    ...(fd === undefined ? [] : ['fd', fd]),
    protocol ?? (ports === undefined ? undefined : 'port'),
    ...new Set(ports),
  ]
  return parts.filter((part) => part !== undefined).join('-')
}
