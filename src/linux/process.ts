import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { command } from './command.ts'
import { LinuxError } from './errors.ts'
import { inNetns, type Netns } from './netns.ts'

export interface StartOptions {
  readonly netns?: Netns
  /** CPU to run on and stay on. */
  readonly cpu?: number
  readonly stdio?: SpawnOptions['stdio']
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Makes it the leader of a session of its own. */
  readonly detached?: boolean
}

/** Starts a process, inside a network namespace and on one CPU if asked to. */
export function start(program: string, args: readonly string[], options: StartOptions = {}): ChildProcess {
  const { netns = null, cpu, ...rest } = options
  const pinned = cpu === undefined ? [program, ...args] : ['taskset', '-c', String(cpu), program, ...args]
  return inNetns(netns, () => spawn(pinned[0]!, pinned.slice(1), rest))
}

/** How a process ended, and what it wrote to the pipes it was given. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Waits for the end of a process and collects its output. Never rejects for an exit code. */
export function ended(child: ChildProcess): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new LinuxError('COMMAND_FAILED', `Cannot start "${child.spawnfile}": ${cause.message}`, { cause }))
    })
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
}

/** Ends a process: SIGTERM, and SIGKILL when it is still there after `graceMs` (default 2,000). */
export async function stop(child: ChildProcess, graceMs = 2_000): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await gone
  clearTimeout(timer)
}

/** Keeps a process, with all its threads, or a kernel thread on one CPU. */
export function pinToCpu(pid: number, cpu: number): void {
  command('taskset', ['-a', '-p', '-c', String(cpu), String(pid)])
}

/**
 * Lets a thread run before every ordinary process (SCHED_FIFO, priority 50, like the interrupt threads of the kernel).
 * Network receive work has that precedence when it runs in soft interrupts, and loses it when it moves to a thread.
 */
export function makeRealtime(pid: number): void {
  command('chrt', ['--fifo', '--pid', '50', String(pid)])
}

/** CPU time a thread has used, in nanoseconds (`/proc/PID/schedstat`). */
export function threadCpuTime(pid: number): bigint {
  return BigInt(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]!)
}

/**
 * When a process was started, in clock ticks since boot, or `undefined` when there is none. Id and start time together name
 * a process for good, an id alone is used again.
 */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Of the processes that there are now: some with all that they and their children have started and that are children still. */
export function readProcessTree(): (pids: readonly number[]) => number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  return (pids) => {
    const tree = new Set(pids)
    for (const pid of tree) for (const child of children.get(pid) ?? []) tree.add(child)
    return [...tree]
  }
}

/** A process, its parent, and so on, as far as they are there. */
export function processAncestors(pid: number): number[] {
  const family: number[] = []
  for (let one: number | undefined = pid; one !== undefined && one > 0; one = parentOf(String(one))) family.push(one)
  return family
}

/** Undefined if the process ends meanwhile. Its name, in brackets, may have any characters. */
function parentOf(pid: string): number | undefined {
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}
