import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseProtocol } from '../../dispatch/binding.ts'
import { parseAddress } from '../../net/address.ts'
import type { CommandSpec } from '../command.ts'
import { type GenerationFlags, generationOption, readGeneration } from '../dispatch/generation-option.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { formatRegistered } from '../format/dispatch.ts'
import { parseCount } from '../parse-count.ts'
import type { Session } from '../session.ts'

export const registerPid: CommandSpec<GenerationFlags> = {
  name: 'register-pid',
  summary: 'give sockets of a running process to a label',
  details: `Takes its listening TCP sockets and unconnected UDP sockets, of a group with SO_REUSEPORT all, or only those bound to an address
and port. The process need not know of it. A socket stays registered as long as any process has it open.`,
  group: 'change',
  examples: [
    ['seawall register-pid 4711 web', 'all sockets of the process'],
    ['seawall register-pid /run/nginx.pid web tcp 127.0.0.1 8080', 'one of them'],
    ['seawall register-pid 4712 web --generation new', 'of a server that is to follow: seawall promote web'],
  ],
  define: (command) =>
    void generationOption(command)
      .argument('<pid>', 'process id, or a file that has it')
      .argument('<label>', 'name of what has the sockets')
      .argument('[protocol]', 'tcp or udp')
      .argument('[address]', 'address that the socket is bound to')
      .argument('[port]', 'port that the socket is bound to'),
  async run(session, { args, options }) {
    const [process = '', label = '', protocol, address, port] = args
    const selection = {
      pid: readPid(session, process),
      ...(protocol === undefined ? {} : { protocol: parseProtocol(protocol) }),
      ...(address === undefined ? {} : { address: parseAddress(address) }),
      ...(port === undefined ? {} : { port: parseCount('port', port, 65_535) }),
    }
    const dispatch = await openDispatch(session)
    const result = await session.progress(
      'Registering',
      dispatch.registerProcess(label, selection, readGeneration(options)),
    )
    session.result(result, () => formatRegistered(session, result))
    return exitCodes.ok
  },
}

/** Highest process id that Linux gives. */
const HIGHEST = 2 ** 22

function readPid({ env }: Session, text: string): number {
  if (/^\d+$/.test(text)) return parseCount('process id', text, HIGHEST)
  try {
    return parseCount(`process id of "${text}"`, readFileSync(resolve(env.cwd, text), 'utf8').trim(), HIGHEST)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined || code.startsWith('SEAWALL_')) throw cause
    throw usageError(`Cannot read "${text}": ${code}, wanted a process id, or a file with one`, { cause })
  }
}
