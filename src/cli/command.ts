import { Command } from 'commander'
import type { ExitCode } from './exit-codes.ts'
import { wantsJson } from './help-document.ts'
import type { Session } from './session.ts'

/** What was written behind the name of the command. */
export interface Invocation<Options> {
  readonly args: readonly string[]
  readonly options: Options
}

/** One command: its place on the command line, its help, and what it does. */
export interface CommandSpec<Options = object> {
  readonly name: string
  /** One line, without a full stop. */
  readonly summary: string
  /** Which list of the help it stands in: nouns read, verbs change. */
  readonly group: 'read' | 'change'
  /** Paragraphs below the summary. */
  readonly details?: string
  /** Command lines that work, with what each does. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Adds arguments and options. */
  readonly define?: (command: Command) => void
  run(session: Session, invocation: Invocation<Options>): Promise<ExitCode>
}

export const groupTitles = { read: 'Commands that read:', change: 'Commands that change:' } as const

/** Makes a parser of a specification; `act` is given what was parsed. */
export function toCommand<Options extends object>(
  spec: CommandSpec<Options>,
  act: (spec: CommandSpec<Options>, invocation: Invocation<Options>, all: object) => Promise<void>,
): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description([`${upperFirst(spec.summary)}.`, ...paragraphs(spec.details)].join('\n\n'))
    .helpOption('-h, --help', 'print this help')
    .helpGroup(groupTitles[spec.group])
    .addHelpText('after', ({ command }) => (wantsJson(command) ? '' : `\n${examples(spec.examples)}`))
  spec.define?.(command)
  command.action(() => act(spec, { args: command.args, options: command.opts<Options>() }, command.optsWithGlobals()))
  return command
}

/** Lines are joined: the help wraps them to the width of the terminal. */
function paragraphs(details: string | undefined): string[] {
  return details === undefined ? [] : details.split('\n\n').map((paragraph) => paragraph.replaceAll('\n', ' '))
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function examples(lines: CommandSpec['examples']): string {
  const width = Math.max(...lines.map(([line]) => line.length))
  const text = lines.map(([line, what]) => `  ${line.padEnd(width)}  # ${what}`).join('\n')
  return `Example${lines.length === 1 ? '' : 's'}:\n${text}`
}
