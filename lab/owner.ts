import { readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BPFFS, isBpffs } from '../src/linux/bpffs.ts'
import { listNetns, netnsPids, removeNetns } from '../src/linux/netns.ts'
import { processStart } from '../src/linux/process.ts'

/**
 * Everything a lab makes has a name that says which process owns it: `seawall-lab-<pid>-<start time>-…`. So parallel runs
 * never collide, and what a killed run left behind can be told from what is in use.
 */
const PREFIX = 'seawall-lab-'
const OWNED = /^seawall-lab-(\d+)-(\d+)-/

/** The start of the names of everything this process makes. */
export function ownPrefix(): string {
  return `${PREFIX}${process.pid}-${processStart(process.pid)}-`
}

/** True if `name` is a lab's and the process that made it is gone. */
export function isLeftover(name: string, startOf: (pid: number) => string | undefined = processStart): boolean {
  const owner = OWNED.exec(name)
  return owner !== null && startOf(Number(owner[1])) !== owner[2]
}

/** Ends every process inside a namespace and removes it. */
export function destroyNetns(name: string): void {
  for (const pid of netnsPids(name)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself in the meantime.
    }
  }
  removeNetns(name)
}

/**
 * Removes namespaces, pinned objects and temporary directories of labs whose owner is dead.
 *
 * @returns the names of what was removed.
 */
export function sweepLeftovers(): string[] {
  const namespaces = listNetns().filter((name) => isLeftover(name))
  for (const name of namespaces) destroyNetns(name)
  const directories = [tmpdir(), ...(isBpffs(BPFFS) ? [BPFFS] : [])].flatMap(leftoversIn)
  for (const path of directories) rmSync(path, { recursive: true, force: true })
  return [...namespaces, ...directories]
}

function leftoversIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => isLeftover(name))
    .map((name) => join(directory, name))
}
