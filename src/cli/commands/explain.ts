import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { exitCodes } from '../exit-codes.ts'
import { explainPackets } from '../explain/explain.ts'
import { formatExplanation } from '../explain/format.ts'
import { headText } from '../explain/program.ts'
import { openRuleSource } from '../explain/rule-source.ts'
import { plural } from '../format/numbers.ts'
import { noteCut, readPackets } from '../packets/read-packets.ts'
import { parseCount } from '../parse-count.ts'

interface ExplainFlags extends ConfigOptions {
  readonly count: string
  readonly all?: boolean
}

export const explain: CommandSpec<ExplainFlags> = {
  name: 'explain',
  summary: 'say what becomes of a packet, by which rule, and why',
  details: `The packet goes through the evaluator, which defines the language, and through a test run of the program in
force: its instructions, tables and sets with counters and limits of its own, so explaining changes nothing.
With --config, or if nothing is in force, the evaluator alone answers. Exit code 1 if the two disagree. Where there
are bindings, it says which of them a packet that passes has its socket by.`,
  group: 'read',
  examples: [
    ['seawall explain 0200000000010200000000020800450000…', 'a frame from its Ethernet header on'],
    ['seawall explain udp 198.51.100.7:123 192.0.2.1:4242', 'a packet of that protocol between those ends'],
    ['seawall explain attack.pcap --count 3', 'the first three packets of a capture'],
    ['seawall explain attack.pcap --config next.yaml', 'with rules that are not in force'],
  ],
  define: (command) => {
    command
      .argument('<packet...>', 'frame as hexadecimal digits, or protocol and two ends, or a file (pcap or pcapng)')
      .option('--count <n>', 'packets of a file to explain', '10')
      .option('--all', 'also show rules that did not match, however many')
    configOption(command)
  },
  async run(session, { args, options }) {
    const count = parseCount('--count', options.count, 10_000)
    const { packets, cut } = readPackets(session.env.cwd, args)
    const source = await openRuleSource(session, options.config)
    const work = explainPackets(source, packets.slice(0, count))
    const { program, packets: explanations } = await session.progress('Explaining', work)
    const more = Math.max(0, packets.length - count)
    session.result({ source: source.origin, program, packets: explanations, more }, () =>
      [
        headText(session, source.origin, program),
        ...explanations.map((one) => formatExplanation(session, one, options.all === true)),
      ].join('\n'),
    )
    if (more > 0) session.note(`${plural(more, 'more packet')} in the file: use --count, or seawall replay`)
    noteCut(session, cut)
    return explanations.some((one) => one.agreement === 'different') ? exitCodes.failed : exitCodes.ok
  },
}
