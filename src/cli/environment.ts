import type { Control } from '../agent/index.ts'

/** Where text goes. */
export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Columns of the terminal; undefined if it is none. */
  readonly columns?: number | undefined
  /** Descriptor that it goes to, for those who write bytes; none if there is none. */
  readonly fd?: number
}

/** Everything that a command takes from the process it runs in, so that tests can run commands in their own. */
export interface Environment {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Milliseconds of wall clock time since 1970. */
  now(): number
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** Calls `listener` at every SIGHUP until the function returned is called. */
  onHangup(listener: () => void): () => void
  /** What commands act on, in place of an agent or the kernel. */
  readonly control?: Control
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  let interrupted: AbortController | undefined
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    // Only commands that look at it outlive the first Ctrl-C.
    get signal() {
      interrupted ??= onInterrupt()
      return interrupted.signal
    },
    onHangup(listener) {
      process.on('SIGHUP', listener)
      return () => void process.off('SIGHUP', listener)
    },
  }
}

function onInterrupt(): AbortController {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort())
  return interrupted
}

function outputOf(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY === true,
    fd: stream.fd,
    get columns() {
      return stream.isTTY ? stream.columns : undefined
    },
  }
}
