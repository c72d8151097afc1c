import type { RegisterResult } from '../../dispatch/types.ts'
import type { CommandSpec } from '../command.ts'
import { type GenerationFlags, generationOption, readGeneration } from '../dispatch/generation-option.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { passedSockets } from '../dispatch/passed-sockets.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatRegistered } from '../format/dispatch.ts'

export const register: CommandSpec<GenerationFlags> = {
  name: 'register',
  summary: 'give sockets that systemd has passed to a label',
  details: `Takes all that LISTEN_FDS counts, from descriptor 3 on: listening TCP sockets and unconnected UDP sockets. Without a label each
goes by its name (FileDescriptorName=). Systemd keeps the sockets open, and so does every process that it passes them to; when
none has a socket open any more, it is not registered any more.`,
  group: 'change',
  examples: [
    ['seawall register web', 'as ExecStart= of a service with Sockets=web.socket'],
    ['seawall register', 'each under its own name'],
  ],
  define: (command) => void generationOption(command).argument('[label]', 'name of what has the sockets'),
  async run(session, { args, options }) {
    const sockets = passedSockets(session.env, args[0])
    const dispatch = await openDispatch(session)
    const results: RegisterResult[] = []
    for (const [label, some] of sockets) results.push(await dispatch.register(label, some, readGeneration(options)))
    session.result(results, () => results.map((one) => formatRegistered(session, one)).join(''))
    return exitCodes.ok
  },
}
