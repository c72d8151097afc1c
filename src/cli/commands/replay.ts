import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { exitCodes } from '../exit-codes.ts'
import { headText } from '../explain/program.ts'
import { type Replay, replayPackets } from '../explain/replay.ts'
import { openRuleSource } from '../explain/rule-source.ts'
import { formatBytes, formatCount, formatShare, plural } from '../format/numbers.ts'
import { noteCut, readCaptureFile } from '../packets/read-packets.ts'
import type { Session } from '../session.ts'

export const replay: CommandSpec<ConfigOptions> = {
  name: 'replay',
  summary: 'send a capture through the rules and sum up by rule',
  details: `No packet leaves this machine: each goes through the evaluator and through a test run of the program in force, with
counters and limits of its own. With --config, or if nothing is in force, the evaluator alone answers.
Packets follow each other without a pause, so limits bite sooner than on the wire. Exit code 1 if the two
disagree about any packet.`,
  group: 'read',
  examples: [
    ['seawall replay monday.pcap', 'what would the rules in force have done on Monday?'],
    ['seawall replay monday.pcap --config next.yaml', 'and the next ones?'],
  ],
  define: (command) => {
    command.argument('<file>', 'capture file (pcap or pcapng)')
    configOption(command)
  },
  async run(session, { args, options }) {
    const { packets, cut } = readCaptureFile(session.env.cwd, args[0] ?? '')
    const source = await openRuleSource(session, options.config)
    const found = await session.progress('Replaying', replayPackets(source, packets))
    session.result(
      { source: source.origin, ...found },
      () => `${headText(session, source.origin, found.program)}\n${formatReplay(session, found)}`,
    )
    noteCut(session, cut)
    return found.disagreed === 0 ? exitCodes.ok : exitCodes.failed
  },
}

function formatReplay(session: Session, found: Replay): string {
  const right = 'right' as const
  const probed = found.rows.some((row) => row.kernel !== null)
  const columns = [
    { title: 'DECIDED BY' },
    { title: 'VERDICT' },
    { title: 'PACKETS', align: right },
    { title: 'SHARE', align: right },
    ...(probed ? [{ title: 'KERNEL', align: right }] : []),
  ]
  const rows = found.rows.map((row) => [
    row.decidedBy === 'default' ? '(default)' : row.decidedBy,
    row.verdict,
    formatCount(row.evaluator),
    formatShare(row.evaluator, found.packets),
    ...(row.kernel === null ? [] : [formatCount(row.kernel)]),
  ])
  const total = `${plural(found.packets, 'packet')}, ${formatBytes(found.bytes)}`
  return `${session.table(columns, rows)}\n${total}${agreementText(session, found, probed)}\n`
}

function agreementText({ colors }: Session, found: Replay, probed: boolean): string {
  if (!probed) return ''
  const limited = found.limited === 0 ? '' : `, ${formatCount(found.limited)} more dropped by limits`
  if (found.disagreed === 0) return `: ${colors.green('evaluator and kernel agree')}${limited}`
  const lines = found.disagreements.map(
    (one) =>
      `  packet ${one.packet}: evaluator ${one.evaluator.verdict} (${one.evaluator.decidedBy}), kernel ${one.kernel.verdict} (${one.kernel.decidedBy})\n    ${one.summary}\n    ${one.bytes}`,
  )
  return `: ${colors.red(`evaluator and kernel disagree on ${plural(found.disagreed, 'packet')}`)}${limited}\n${lines.join('\n')}`
}
