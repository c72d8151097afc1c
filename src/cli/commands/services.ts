import { Argument } from 'commander'
import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { type ExitCode, exitCodes, usageError } from '../exit-codes.ts'
import { formatImpact, formatServices } from '../format/services.ts'
import type { Session } from '../session.ts'

export const services: CommandSpec<ConfigOptions> = {
  name: 'services',
  summary: "list the balancer's services with the shares of their backends",
  details: `A share is the part of a service's buckets, and so of its flows, that a backend owns. MOVING is the part
whose previous owner may still have connections.

With plan it says instead what a configuration would do, before it happens: for each table of buckets, which
services with the same backends share, what part of the flows would go to another server. New connections do so
at once; those that are established stay where they are until they end. Buckets that an earlier change
has moved wait until that move is over.`,
  group: 'read',
  examples: [
    ['seawall services', 'a table'],
    ['seawall services plan', 'what share of flows apply would move'],
    ['seawall services plan --config next.yaml', 'the same for another file'],
  ],
  define: (command) => {
    command.addArgument(new Argument('[action]', 'say what a configuration would move').choices(['plan']))
    configOption(command)
  },
  run: (session, { args, options }) => (args[0] === 'plan' ? planMoves(session, options) : list(session, options)),
}

async function list(session: Session, { config }: ConfigOptions): Promise<ExitCode> {
  if (config !== undefined) {
    throw usageError(
      `Cannot use --config "${config}": services lists what is in force (seawall services plan says what a configuration would do)`,
    )
  }
  const control = await session.control()
  const found = await session.progress('Reading the tables', control.services())
  session.result(found, () => formatServices(session, found))
  return exitCodes.ok
}

async function planMoves(session: Session, options: ConfigOptions): Promise<ExitCode> {
  const config = session.configPath(options.config)
  const control = await session.control(config)
  const found = await session.progress('Planning', control.impact(config))
  session.result(found, () => formatImpact(session, found))
  return exitCodes.ok
}
