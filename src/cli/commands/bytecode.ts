import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

interface BytecodeFlags {
  readonly ipv6?: boolean
}

export const bytecode: CommandSpec<BytecodeFlags> = {
  name: 'bytecode',
  summary: 'print a tcpdump expression as iptables takes it',
  details: `For -m bpf --bytecode of iptables, or of ip6tables with --ipv6, where a packet begins with its network header.
It matches what pcap("…") matches in a rule. Needs libpcap, but neither root nor the kernel.`,
  group: 'read',
  examples: [
    ["seawall bytecode 'udp port 53'", 'for iptables'],
    ["seawall bytecode --ipv6 'icmp6'", 'for ip6tables'],
  ],
  define: (command) =>
    void command.argument('<expression...>', 'tcpdump expression').option('-6, --ipv6', 'for ip6tables'),
  async run(session, { args, options }) {
    const { bytecode: compile } = await import('../../rules/classic/index.ts')
    const version = options.ipv6 === true ? 6 : 4
    const text = compile(args.join(' '), version)
    session.result({ version, bytecode: text }, () => `${text}\n`)
    return exitCodes.ok
  },
}
