import { Command, CommanderError, Option } from 'commander'
import { VERSION } from '../entry/version.ts'
import { type CommandSpec, type Invocation, toCommand } from './command.ts'
import { commands } from './commands/index.ts'
import type { Environment } from './environment.ts'
import { type ExitCode, exitCodes, usageError } from './exit-codes.ts'
import { formatHelp, wantsJson } from './help-document.ts'
import { reportError } from './report-error.ts'
import { type GlobalOptions, Session } from './session.ts'

const introduction = `Seawall protects Linux servers at the network card: one configuration, compiled to an XDP program
for each interface. Commands talk to the agent (seawall up) if one runs, and to the kernel's state if none does.`

const environmentHelp = `
Environment:
  SEAWALL_CONFIG  configuration (default: seawall.config.ts, .yaml or .json in this folder, then in /etc/seawall)
  SEAWALL_SOCKET  socket of the agent's API (default: /run/seawall/seawall.sock)
  SEAWALL_PINS    pinned state (default: /sys/fs/bpf/seawall)
  SEAWALL_RUN     lock and socket (default: /run/seawall)
  SEAWALL_NETNS   network namespace of the interfaces (default: the present one)
  NO_COLOR        no colours, if not empty

Exit codes: 0 ok, 1 failed, 2 wrong input, 3 refused, 4 unsupported, 5 needs root, 6 nothing in force.
See seawall COMMAND --help for each command, and docs/cli.md.`

/** Runs one command line (without `node` and the script) and tells how it ended. Never throws, never ends the process. */
export async function seawall(args: readonly string[], env: Environment): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const program = buildProgram(env, async (spec, invocation, options) => {
    code = await runCommand(env, spec, invocation, options)
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
    const session = new Session(env, { json: args.includes('--json'), debug: args.includes('--debug') })
    if (!(error instanceof CommanderError && error.code === 'commander.help')) return reportError(session, error)
    if (session.json) reportError(session, usageError('Cannot run: no command is named (seawall --help lists them)'))
    return exitCodes.usage
  }
}

type Act = (spec: CommandSpec, invocation: Invocation<object>, options: GlobalOptions) => Promise<void>

async function runCommand(env: Environment, spec: CommandSpec, invocation: Invocation<object>, options: GlobalOptions) {
  const session = new Session(env, options)
  try {
    return await spec.run(session, invocation)
  } catch (error) {
    return reportError(session, error)
  } finally {
    session.close()
  }
}

function buildProgram(env: Environment, act: Act): Command {
  const program = new Command('seawall')
    .description(introduction)
    .usage('COMMAND [OPTIONS]')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--json', 'one JSON document on standard output')
    .option('--debug', 'stack traces and whole verifier logs with errors')
    .option('--no-color', 'no colours')
    .addOption(new Option('--socket <path>', "socket of the agent's API"))
    .addOption(new Option('--netns <name>', 'network namespace of the interfaces'))
    .addHelpText('after', ({ command }) => (wantsJson(command) ? '' : environmentHelp))
  for (const spec of commands) program.addCommand(toCommand(spec, act))
  for (const one of [program, ...program.commands]) tame(one, env)
  return program
}

/** Parser errors are thrown instead of printed, and help goes to the environment's outputs. */
function tame(command: Command, env: Environment): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, formatHelp })
    .configureOutput({
      writeOut: (text) => env.stdout.write(text),
      writeErr: (text) => (wantsJson(command) ? undefined : env.stderr.write(text)),
      outputError: () => undefined,
      getOutHelpWidth: () => env.stdout.columns ?? 100,
      getErrHelpWidth: () => env.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
}
