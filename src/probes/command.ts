import { type ChildProcess, spawn } from 'node:child_process'
import { inNetns } from '../linux/netns.ts'
import { ProbeFailure } from './failure.ts'
import type { Surroundings } from './probe.ts'

/** Characters of what a command writes that are told. */
const SHOWN = 200

/** The program ends with code 0; when the signal comes it is killed, with all that it started. */
export function probeCommand(
  command: readonly string[],
  { netns, environment }: Pick<Surroundings, 'netns' | 'environment'>,
  signal: AbortSignal,
): Promise<void> {
  const [program, ...args] = command
  const child = inNetns(netns, () =>
    // A process group of its own, to be killed as a whole.
    spawn(program!, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
    }),
  )
  const kill = () => killGroup(child)
  signal.addEventListener('abort', kill, { once: true })
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < SHOWN) said += text
    })
    child.once('error', (error) => reject(new ProbeFailure(`cannot start ${program}: ${error.message}`)))
    child.once('close', (code, by) => {
      signal.removeEventListener('abort', kill)
      if (code === 0) resolve()
      else reject(new ProbeFailure(`${code === null ? `killed by ${by}` : `exit code ${code}`}${firstLine(said)}`))
    })
  })
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // All of it has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function firstLine(text: string): string {
  const line = text.trim().split('\n')[0]!.slice(0, SHOWN)
  return line === '' ? '' : `: ${line}`
}
