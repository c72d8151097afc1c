import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatRules } from '../format/rules.ts'

export const rules: CommandSpec = {
  name: 'rules',
  summary: 'list the rules in force with their counters',
  details: 'In the order in which they are tried; the first that decides wins. Dynamic rules come from seawall drop.',
  group: 'read',
  examples: [
    ['seawall rules', 'a table'],
    ['seawall rules --json', 'with every field'],
  ],
  async run(session) {
    const control = await session.control()
    const found = await control.rules()
    session.result(found, () => formatRules(session, found))
    return exitCodes.ok
  },
}
