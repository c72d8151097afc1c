import { spawnSync } from 'node:child_process'
import { LinuxError } from './errors.ts'

export interface CommandOptions {
  /** Text for standard input. */
  readonly input?: string
  /** Longest run in milliseconds, default 30,000. */
  readonly timeoutMs?: number
}

/**
 * Runs a short command of the system and waits for its end. It blocks the event loop, which is what work inside
 * {@link inNetns} needs.
 *
 * @returns its standard output.
 * @throws LinuxError COMMAND_MISSING when the program is not installed, COMMAND_FAILED with its error output otherwise.
 */
export function command(program: string, args: readonly string[], options: CommandOptions = {}): string {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: options.timeoutMs ?? 30_000,
    maxBuffer: 64 << 20,
    ...(options.input === undefined ? {} : { input: options.input }),
  })
  if ((done.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new LinuxError('COMMAND_MISSING', `Cannot run "${program}": it is not installed`, { cause: done.error })
  }
  if (done.error !== undefined || done.status !== 0) {
    const why = (done.stderr ?? '').trim() || done.error?.message || `exit ${done.signal ?? done.status}`
    throw new LinuxError('COMMAND_FAILED', `Cannot run "${program} ${args.join(' ')}": ${why}`, { cause: done.error })
  }
  return done.stdout
}
