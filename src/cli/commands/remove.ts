import { changeSet } from '../change-set.ts'
import type { CommandSpec } from '../command.ts'

export const remove: CommandSpec = {
  name: 'remove',
  summary: 'remove a prefix from a set in force',
  details: 'Takes effect at once. Exactly this prefix is removed: longer and shorter ones stay.',
  group: 'change',
  examples: [['seawall remove bogons 192.0.2.0/24', 'what add has added, or the file had']],
  define: (command) =>
    void command.argument('<set>', 'name of the set, with or without $').argument('<prefix>', 'prefix or address'),
  run: (session, { args }) => changeSet(session, 'remove', args),
}
