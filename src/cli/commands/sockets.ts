import type { SocketAttachment } from '../../firewall/sockets/attachments.ts'
import { formatEndpoint, parseAddress } from '../../net/address.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBytes, formatCount, plural } from '../format/numbers.ts'
import type { Session } from '../session.ts'

/** Sockets that are listed one by one. */
const LISTED = 8

export const sockets: CommandSpec = {
  name: 'sockets',
  summary: 'list the sockets with rules in front of them, and their counters',
  details: 'Those of seawall attach; the rules of interfaces are in seawall rules.',
  group: 'read',
  examples: [
    ['seawall sockets', 'a table for each name'],
    ['seawall sockets --json', 'with every socket'],
  ],
  async run(session) {
    const { listAttachments } = await import('../../firewall/sockets/attachments.ts')
    const found = listAttachments(session.paths)
    session.result(found, () =>
      found.length === 0 ? 'no sockets have rules\n' : found.map((one) => formatAttachment(session, one)).join('\n'),
    )
    return exitCodes.ok
  },
}

function formatAttachment(session: Session, { name, sockets: all, counters }: SocketAttachment): string {
  const { pass, drop } = counters.verdicts
  const listed = all.slice(0, LISTED).map(placeOf)
  const more = all.length > LISTED ? [`  and ${plural(all.length - LISTED, 'socket')} more`] : []
  const rules = session.table(
    [{ title: 'RULE' }, { title: 'PACKETS', align: 'right' }, { title: 'BYTES', align: 'right' }, { title: 'TEXT' }],
    counters.rules.map((rule) => [rule.id, formatCount(rule.packets), formatBytes(rule.bytes), rule.text]),
  )
  const verdicts = `passed ${formatCount(pass.packets)}, dropped ${formatCount(drop.packets)}`
  return `${[`${session.colors.bold(name)}  ${verdicts}`, ...listed, ...more].join('\n')}\n${rules}`
}

function placeOf({ protocol, address, port, pid, fd, open }: SocketAttachment['sockets'][number]): string {
  const at = formatEndpoint(parseAddress(address), port)
  return `  ${protocol} ${at}, ${open ? `process ${pid}, descriptor ${fd}` : 'closed'}`
}
