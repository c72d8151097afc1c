import { CaptureRun, type CaptureSummary } from '../capture/capture-run.ts'
import { formatTime } from '../capture/clock.ts'
import { type CaptureFlags, readCaptureFlags } from '../capture/flags.ts'
import { openWriter } from '../capture/open-writer.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatCount, plural } from '../format/numbers.ts'
import type { Session } from '../session.ts'

export const capture: CommandSpec<CaptureFlags> = {
  name: 'capture',
  summary: 'capture packets with what became of them, and why',
  details: `Copies what matches the expression, as it comes in and with its verdict; without an expression,
everything, malformed packets too. Nothing is decided by it, and nothing is left of it, even if this process is
killed. Without --write there is a line a packet; with --json one JSON object a line, the last of which sums up.

Runs until Ctrl-C, --count or --for. At the end it says how many packets the buffer had no room for.`,
  group: 'read',
  examples: [
    ["seawall capture 'udp.dstport == 53' --count 10", 'ten packets, a line each'],
    ["seawall capture 'ip.src == 203.0.113.0/24' --verdict drop -w dropped.pcapng", 'for Wireshark, with comments'],
    ['seawall capture --for 10s -w - | tshark -r -', 'everything of ten seconds, into another program'],
  ],
  define: (command) =>
    void command
      .argument('[expression...]', 'expression of the rule language (docs/rules.md; default: everything)')
      .option('-w, --write <file>', 'write pcapng, to standard output if FILE is -')
      .option(
        '--verdict <verdict>',
        'only packets that were given this verdict: drop, pass or tx (answered with a SYN cookie)',
      )
      .option('--count <n>', 'end after so many packets')
      .option('--for <duration>', 'end after so long')
      .option('--snaplen <bytes>', 'keep so many bytes of a packet (default: all)')
      .option('--sample <1/n>', 'only one packet of n that match (default: each)')
      .option('--buffer <size>', 'room for packets that are not written yet, a power of two', '4M'),
  async run(session, { args, options }) {
    const wish = readCaptureFlags(args, options)
    const open = await openWriter(session, wish)
    try {
      const run = await CaptureRun.start(session, wish)
      const summary = await run.write(open.writer)
      if (wish.file !== undefined && wish.file !== '-') session.result(documentOf(wish.file, summary), () => '')
      tell(session, summary)
    } finally {
      await open.close()
    }
    return exitCodes.ok
  },
}

function documentOf(file: string, { start, end, ...summary }: CaptureSummary) {
  return { file, ...summary, start: formatTime(start), end: formatTime(end) }
}

/** On standard error: the packets themselves may be on standard output. */
function tell(session: Session, { id, captured, lost, removed, lapsed }: CaptureSummary): void {
  session.note(`captured ${plural(captured, 'packet')}, lost ${formatCount(lost)}`)
  if (lost > 0)
    session.note('lost packets found no room in the buffer (a larger --buffer, a smaller --snaplen, or --sample)')
  if (lapsed) session.note('nothing was captured for a while, as this process stood still for more than ten seconds')
  if (removed) session.note(`somebody else ended "${id}"`)
}
