import type { Control } from '../../src/agent/index.ts'
import type { Environment, Output } from '../../src/cli/environment.ts'
import { seawall } from '../../src/cli/run.ts'

export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly control?: Control
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Pretends that standard output is a terminal of so many columns. */
  readonly columns?: number
}

/** The moment at which all runs take place. */
export const NOW = Date.UTC(2026, 10, 23, 12, 0, 0)

/** Runs a command line inside this process, and collects what it prints. */
export async function runSeawall(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const text = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write: (written) => {
      text[name] += written
    },
    isTTY: options.columns !== undefined && name === 'stdout',
    columns: options.columns,
  })
  let now = NOW
  const env: Environment = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: { SEAWALL_RUN: '/nonexistent/seawall', SEAWALL_PINS: '/nonexistent/seawall', ...options.env },
    cwd: options.cwd ?? '/nonexistent',
    // A second goes by whenever somebody looks.
    now: () => (now += 1_000),
    signal: options.signal ?? new AbortController().signal,
    onHangup: () => () => undefined,
    ...(options.control === undefined ? {} : { control: options.control }),
  }
  const code = await seawall(args, env)
  return { code, ...text }
}
