import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const down: CommandSpec = {
  name: 'down',
  summary: 'detach and remove everything; all packets pass again',
  details: `Removes programs, maps, counters, dynamic rules and the bindings of the configuration from the kernel, and ends the agent
if one runs. What seawall bind and register have made stays, until seawall unload.`,
  group: 'change',
  examples: [['seawall down', 'as if Seawall had never been there']],
  async run(session) {
    const control = await session.control()
    await session.progress('Removing everything', control.down())
    session.result({ running: false }, () => `${session.colors.green('down')}  nothing is in force: all packets pass\n`)
    return exitCodes.ok
  },
}
