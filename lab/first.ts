import type { ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { type StartOptions, start } from '../src/linux/process.ts'

/** Servers, clients and the command line; and what attacks them, which shares a CPU with clients and always has work. */
export const NICE = -10
export const NICE_FLOOD = -5

/**
 * Starts a part of the lab, which goes before what else this machine does: that is not what the lab measures.
 *
 * In a session of its own: the kernel divides a CPU between sessions (sched(7), "The autogroup feature"), and what a session gets of one CPU
 * goes by what it uses of all. A server in the session of the flood, which keeps another CPU busy, would get next to nothing.
 */
export function startFirst(
  program: string,
  args: readonly string[],
  options: StartOptions,
  nice: number = NICE,
): ChildProcess {
  const child = start(program, args, { ...options, detached: true })
  if (child.pid !== undefined) goFirst(child.pid, nice)
  return child
}

function goFirst(pid: number, nice: number): void {
  setPriority(pid, nice)
  const session = `/proc/${pid}/autogroup`
  if (existsSync(session)) writeFileSync(session, String(nice))
}
