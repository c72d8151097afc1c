import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { buildInitramfs } from './initramfs.ts'
import { type Kernel, releaseOf } from './kernels.ts'
import { kernelFolder } from './packages.ts'
import { parseReport, type Report } from './report.ts'

export interface MachineOptions {
  /** Folder for what the machine needs while it runs. */
  readonly work: string
  /** From {@link takeSnapshot}. */
  readonly snapshot: string
  /** Longest run in milliseconds; then the machine is turned off. */
  readonly timeoutMs: number
  /** Called with each line that the machine prints. */
  readonly print: (line: string) => void
  readonly signal: AbortSignal
}

/** Boots a kernel on the files of this host, lets it run the tests, and gives what it reported. */
export async function runMachine(kernel: Kernel, options: MachineOptions): Promise<Report> {
  const { snapshot, timeoutMs, print, signal } = options
  const folder = kernelFolder(kernel)
  const release = releaseOf(kernel)
  const work = join(options.work, kernel.id)
  mkdirSync(work)
  const report = resolve(work, 'report')
  const args = [release, folder, snapshot, buildInitramfs(folder, release, work), report]
  const child = startAlone('sh', ['tests/vm/machine.sh', ...args])
  for (const stream of [child.stdout!, child.stderr!]) createInterface({ input: stream }).on('line', print)
  const stop = (): boolean => child.kill('SIGKILL')
  signal.addEventListener('abort', stop)
  const timer = setTimeout(() => {
    print(`turned off after ${timeoutMs / 1000} s`)
    stop()
  }, timeoutMs)
  await new Promise<void>((done, fail) => child.once('error', fail).once('close', () => done()))
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
  return parseReport(readReport(report))
}

function readReport(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Starts a program in mount and process namespaces of its own, which end with it, and it with this process, however that ends. */
function startAlone(program: string, args: readonly string[]): ChildProcess {
  const alone = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child', program, ...args]
  return spawn('setpriv', alone, { stdio: ['ignore', 'pipe', 'pipe'] })
}
