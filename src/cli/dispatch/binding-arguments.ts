import { type Command, Option } from 'commander'
import { type Binding, readBinding } from '../../dispatch/binding.ts'
import { FLOWS, MISSING, type PolicyWords, SPREADS } from '../../dispatch/policy.ts'

/** Arguments that make a binding. */
export function bindingArguments(command: Command): Command {
  return command
    .argument('<label>', 'name of what has the sockets')
    .argument('<protocol>', 'tcp or udp')
    .argument('<prefix>', 'local addresses: a prefix or an address')
    .argument('<port>', 'a port, a range such as 20000-49999, or any')
}

/** How a binding deals with what it matches. */
export function policyOptions(command: Command): Command {
  return command
    .addOption(choice('missing', 'what becomes of traffic while no socket of the label is open', MISSING))
    .addOption(choice('spread', 'which of the open sockets gets what is new', SPREADS))
    .addOption(choice('flows', 'what has datagrams of a client stay with a socket over generations', FLOWS))
    .option('--idle <duration>', 'how long a flow is kept without a datagram (default: 2m)')
    .option('--cookie <program>', 'with --flows cookie: classic program that reads it, such as "2,40 0 0 0,22 0 0 0"')
}

const choice = (name: keyof PolicyWords, description: string, values: readonly string[]): Option =>
  new Option(`--${name} <${values.join('|')}>`, `${description} (default: ${values[0]})`)

export function readBindingArguments(args: readonly string[], policy: PolicyWords = {}): Binding {
  const [label = '', protocol = '', prefix = '', port = ''] = args
  return readBinding({
    label,
    protocol,
    prefix,
    port,
    ...policy,
  })
}
