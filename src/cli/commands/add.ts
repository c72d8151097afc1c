import { changeSet } from '../change-set.ts'
import type { CommandSpec } from '../command.ts'

export const add: CommandSpec = {
  name: 'add',
  summary: 'add a prefix to a set in force',
  details: `Takes effect at once, in the kernel, without rebuilding the set. It does not change the configuration or the
set file: what is to stay after the file changes belongs in there too.`,
  group: 'change',
  examples: [
    ['seawall add bogons 192.0.2.0/24', 'a prefix'],
    ['seawall add blocked 2001:db8::7', 'one address'],
  ],
  define: (command) =>
    void command.argument('<set>', 'name of the set, with or without $').argument('<prefix>', 'prefix or address'),
  run: (session, { args }) => changeSet(session, 'add', args),
}
