import { toHex } from '../../agent/api/hex.ts'
import { dissect } from '../../net/dissect.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'
import { formatWhere, type Located } from '../format/where.ts'
import { noteCut, readPackets } from '../packets/read-packets.ts'
import { summarize } from '../packets/summary.ts'
import { parseCount } from '../parse-count.ts'

interface WhereFlags {
  readonly count: string
}

export const where: CommandSpec<WhereFlags> = {
  name: 'where',
  summary: 'say which server gets a packet, and why',
  details: `The packet goes through a test run of the balancer in force, on the tables in force but with counters of its own,
so asking changes nothing. It is taken to arrive at this machine: for what is in transition the answer depends
on the connections that this machine has.

A packet can be given by its protocol and its two ends, IPv6 addresses in brackets. Of TCP that is a SYN; with
ack behind it, it is a segment of a connection that goes on.`,
  group: 'read',
  examples: [
    ['seawall where tcp 203.0.113.7:40000 192.0.2.53:443', 'who gets a new connection?'],
    ["seawall where udp '[2001:db8::7]:4433' '[2001:db8:53::1]:53'", 'the same over IPv6'],
    ['seawall where tcp 203.0.113.7:40000 192.0.2.53:443 ack', 'and one that is established?'],
    ['seawall where clients.pcap --count 100 --json', 'a hundred packets of a capture'],
  ],
  define: (command) =>
    void command
      .argument('<packet...>', 'frame as hexadecimal digits, or protocol and two ends, or a file (pcap or pcapng)')
      .option('--count <n>', 'packets of a file to look up', '10'),
  async run(session, { args, options }) {
    const count = parseCount('--count', options.count, 10_000)
    const { packets, cut } = readPackets(session.env.cwd, args)
    const asked = packets.slice(0, count)
    const control = await session.control()
    const answers = await session.progress('Looking up', control.where(asked))
    const found = answers.map((answer, index): Located => {
      const bytes = asked[index]!
      return { ...answer, packet: summarize(dissect(bytes)), bytes: toHex(bytes) }
    })
    const more = packets.length - asked.length
    session.result({ packets: found, more }, () => found.map((one) => formatWhere(session, one)).join('\n'))
    if (more > 0) session.note(`${plural(more, 'more packet')} in the file: use --count`)
    noteCut(session, cut)
    return exitCodes.ok
  },
}
