import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBytes, formatCount } from '../format/numbers.ts'

export const sets: CommandSpec = {
  name: 'sets',
  summary: 'list the sets in force with their sizes',
  details: 'Sets change by the configuration and its set files, and by seawall add and seawall remove.',
  group: 'read',
  examples: [
    ['seawall sets', 'a table'],
    ['seawall sets --json', 'with every field'],
  ],
  async run(session) {
    const control = await session.control()
    const found = await control.sets()
    session.result(found, () => {
      if (found.length === 0) return 'no sets\n'
      const columns = [
        { title: 'SET' },
        { title: 'PREFIXES', align: 'right' as const },
        { title: 'MEMORY', align: 'right' as const },
        { title: 'FROM' },
      ]
      const rows = found.map((set) => [
        set.name,
        formatCount(set.prefixes),
        formatBytes(set.bytes),
        set.file ?? 'the configuration',
      ])
      return session.table(columns, rows)
    })
    return exitCodes.ok
  },
}
