import type { ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { type StartOptions, start } from '../src/linux/process.ts'

const NICE = -10

/**
 * Starts a part of the lab that may keep a CPU busy.
 *
 * In a session of its own: the kernel divides a CPU between sessions (sched(7), "The autogroup feature"), and what a session gets of one CPU
 * goes by what it uses of all. Whatever is in the session of a flood would get next to nothing.
 */
export function startApart(program: string, args: readonly string[], options: StartOptions): ChildProcess {
  return start(program, args, { ...options, detached: true })
}

/** Starts a part of the lab that goes before all others, as it takes little time and is what the lab looks at: a server, or a good client. */
export function startFirst(program: string, args: readonly string[], options: StartOptions): ChildProcess {
  const child = startApart(program, args, options)
  if (child.pid !== undefined) goFirst(child.pid)
  return child
}

function goFirst(pid: number): void {
  setPriority(pid, NICE)
  const session = `/proc/${pid}/autogroup`
  if (existsSync(session)) writeFileSync(session, String(NICE))
}
