import { type Argument, type Command, Help, type Option } from 'commander'
import { commands } from './commands/index.ts'
import { exitCodes } from './exit-codes.ts'
import { formatJson } from './format/json.ts'

/** Whether the help is asked for as JSON. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true
}

/** The help of a command, as text or with `--json` as a document. */
export function formatHelp(command: Command, helper: Help): string {
  if (!wantsJson(command)) return Help.prototype.formatHelp.call(helper, command, helper)
  return formatJson(helpDocument(command, helper))
}

function helpDocument(command: Command, helper: Help): object {
  const spec = commands.find((one) => one.name === command.name())
  const inner = helper.visibleCommands(command).filter((one) => one.name() !== 'help')
  return {
    command: command.name(),
    usage: helper.commandUsage(command),
    description: command.description(),
    arguments: helper.visibleArguments(command).map(describeArgument),
    options: helper.visibleOptions(command).map(describeOption),
    globalOptions: helper.visibleGlobalOptions(command).map(describeOption),
    ...(spec === undefined ? {} : { examples: spec.examples.map(([line, what]) => ({ line, what })) }),
    ...(inner.length === 0 ? {} : { commands: inner.map(describeCommand) }),
    ...(command.parent === null ? { exitCodes } : {}),
  }
}

function describeCommand(command: Command): object {
  const group = commands.find((one) => one.name === command.name())?.group
  return { name: command.name(), ...(group === undefined ? {} : { group }), summary: command.summary() }
}

function describeArgument(argument: Argument): object {
  const { description, required, variadic } = argument
  return { name: argument.name(), description, required, variadic }
}

function describeOption({ flags, description, defaultValue }: Option): object {
  return { flags, description, ...(defaultValue === undefined ? {} : { default: defaultValue as unknown }) }
}
