import { Argument, type Command, Option } from 'commander'
import { loadConfig } from '../../config/index.ts'
import type { Iptables, IptablesInput, IptablesResult, Variant } from '../../firewall/iptables/index.ts'
import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { formatIptablesPlan, formatIptablesStatus } from '../format/iptables.ts'
import { readSets } from '../read-sets.ts'
import type { Session } from '../session.ts'

interface IptablesFlags extends ConfigOptions {
  readonly variant?: Variant
}

type Action = (session: Session, iptables: Iptables, options: IptablesFlags) => Promise<ExitCode>

const actions: Readonly<Record<string, Action>> = {
  async plan(session, iptables, options) {
    const input = await readInput(session, options)
    const plan = await session.progress('Planning', iptables.plan(input))
    session.result(plan, () => formatIptablesPlan(session.colors, plan))
    return exitCodes.ok
  },
  async apply(session, iptables, options) {
    const input = await readInput(session, options)
    return report(session, await session.progress('Applying', iptables.apply(input)), 'applied')
  },
  async undo(session, iptables) {
    return report(session, await session.progress('Undoing', iptables.undo()), 'undone')
  },
  async status(session, iptables) {
    const status = await session.progress('Reading iptables', iptables.status())
    session.result(status, () => formatIptablesStatus(session, status))
    return exitCodes.ok
  },
}

export const iptables: CommandSpec<IptablesFlags> = {
  name: 'iptables',
  summary: 'keep the rules in iptables instead of XDP',
  details: `plan shows what apply would change, apply puts the rules of the configuration into a chain of their own in
iptables and ip6tables, all of them or nothing, status shows what they have counted, and undo takes all of it
out again. Rules that are not Seawall's are never touched.`,
  group: 'change',
  examples: [
    ['seawall iptables plan', 'what apply would change'],
    ['seawall iptables apply --config edge.yaml', 'the rules of a file'],
    ['seawall iptables status', 'packets and bytes of each rule'],
    ['seawall iptables undo', 'take everything out'],
  ],
  define: (command: Command) => {
    command.addArgument(new Argument('<action>', 'what to do').choices(Object.keys(actions)))
    configOption(command)
    const variant = new Option('--variant <name>', 'which iptables (default: what iptables is on this system)')
    command.addOption(variant.choices(['nft', 'legacy']))
  },
  async run(session, { args, options }) {
    // Not at the top: libbpf is loaded with it, and help works without.
    const { Iptables } = await import('../../firewall/iptables/index.ts')
    return actions[args[0]!]!(session, new Iptables(session.paths, { variant: options.variant }), options)
  },
}

async function readInput(session: Session, options: IptablesFlags): Promise<IptablesInput> {
  const { desired } = await loadConfig(session.configPath(options.config))
  return { desired, sets: await session.progress('Reading sets', readSets(desired)) }
}

function report(session: Session, result: IptablesResult, done: string): ExitCode {
  const { green } = session.colors
  const last = result.changed ? green(done) : `${green('unchanged')}  there was nothing to do`
  session.result(result, () => `${formatIptablesPlan(session.colors, result.plan)}${last}\n`)
  return exitCodes.ok
}
