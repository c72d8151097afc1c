import type { CommandSpec } from '../command.ts'
import { readBindingsFile } from '../dispatch/bindings-file.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBindResult } from '../format/dispatch.ts'

export const load: CommandSpec = {
  name: 'load',
  summary: 'begin to dispatch, with the bindings of a file',
  details: `The bindings of the file come into the place of all that commands have made, at once; those of the configuration stay.
The file is JSON, as of tubular: {"bindings": [{"label": "web", "prefix": "192.0.2.0/24", "port": 443}]}. Port 0 is any; "protocol" may
say tcp or udp, else both are meant. Without a file a program without bindings is attached, if there is none.`,
  group: 'change',
  examples: [
    ['seawall load bindings.json', 'all of them at once'],
    ['seawall load', 'none yet'],
  ],
  define: (command) => void command.argument('[file]', 'JSON file with bindings'),
  async run(session, { args }) {
    const [path] = args
    const bindings = path === undefined ? undefined : readBindingsFile(session.env.cwd, path)
    const dispatch = await openDispatch(session)
    if (bindings === undefined) {
      const loaded = await session.progress('Loading', dispatch.load())
      session.result(
        { loaded },
        () => `${session.colors.green(loaded ? 'loaded' : 'unchanged')}  dispatch is in force\n`,
      )
      return exitCodes.ok
    }
    const result = await session.progress('Binding', dispatch.replaceDynamic(bindings))
    session.result(result, () => formatBindResult(session, result))
    return exitCodes.ok
  },
}
