import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatStatus } from '../format/status.ts'

export const status: CommandSpec = {
  name: 'status',
  summary: 'show what is in force and what it does',
  details: 'Exit code 6 if nothing is in force.',
  group: 'read',
  examples: [
    ['seawall status', 'generation, interfaces, verdicts'],
    ['seawall status --json', 'all of it, with every rule and counter'],
  ],
  async run(session) {
    const control = await session.control()
    const found = await control.status()
    const counters = found.firewall === undefined ? undefined : await control.counters()
    const document = { ...found, ...(counters === undefined ? {} : { counters }) }
    session.result(document, () => formatStatus(session, found, counters))
    return found.firewall === undefined ? exitCodes.notUp : exitCodes.ok
  },
}
