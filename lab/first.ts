import type { ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { type StartOptions, start } from '../src/linux/process.ts'

const NICE = -10

/**
 * Starts a part of the lab, which goes before what else this machine does: that is not what the lab measures.
 *
 * In a session of its own: the kernel divides a CPU between sessions (sched(7), "The autogroup feature"), and what a session gets of one CPU
 * goes by what it uses of all. A server in the session of the flood, which keeps another CPU busy, would get next to nothing.
 */
export function startFirst(program: string, args: readonly string[], options: StartOptions): ChildProcess {
  const child = start(program, args, { ...options, detached: true })
  if (child.pid !== undefined) goFirst(child.pid)
  return child
}

function goFirst(pid: number): void {
  setPriority(pid, NICE)
  const session = `/proc/${pid}/autogroup`
  if (existsSync(session)) writeFileSync(session, String(NICE))
}
