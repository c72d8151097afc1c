import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockFile } from '../bpf/ffi/file-lock.ts'
import { makeFolder } from '../linux/folder.ts'
import { SeawallError } from './errors.ts'

export interface Lock {
  release(): void
}

/** What a lock guards: one change of the kernel's state, or being the agent. */
export type LockName = 'lock' | 'agent.lock'

/**
 * Takes an exclusive lock that the kernel gives back when this process ends, however it ends.
 *
 * @throws SeawallError SEAWALL_LOCKED, naming the process that has it.
 */
export async function takeLock(run: string, name: LockName, waitMs = 0): Promise<Lock> {
  const path = join(run, name)
  const fd = openLockFile(run, path)
  const until = performance.now() + waitMs
  try {
    while (!tryLock(fd, path)) {
      if (performance.now() >= until) throw held(path, name)
      await sleep(20)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  signLock(fd, path)
  return { release: once(() => closeSync(fd)) }
}

function openLockFile(run: string, path: string): number {
  try {
    makeFolder(run, 0o755)
    return openSync(path, 'a+', 0o600)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new SeawallError(
      'SEAWALL_PERMISSION',
      `Cannot open the lock "${path}": ${code}, wanted a folder that can be written (run as root)`,
      { cause },
    )
  }
}

/** Says who has the lock. */
function signLock(fd: number, path: string): void {
  try {
    ftruncateSync(fd)
    writeSync(fd, `${process.pid}\n`, 0)
  } catch (cause) {
    closeSync(fd)
    const { code } = cause as NodeJS.ErrnoException
    throw new SeawallError('SEAWALL_FULL', `Cannot write the lock "${path}": ${code} (make room on its file system)`, {
      cause,
    })
  }
}

function tryLock(fd: number, path: string): boolean {
  const error = lockFile(fd)
  if (error === 0) return true
  if (error === -constants.errno.EAGAIN) return false
  throw new SeawallError('SEAWALL_PERMISSION', `Cannot take the lock "${path}": errno ${-error} (see its file system)`)
}

function held(path: string, name: LockName): SeawallError {
  const pid = readFileSync(path, 'utf8').trim()
  const action = name === 'lock' ? 'change the state of Seawall' : 'start the agent'
  const doing = name === 'lock' ? 'is changing it' : 'is the agent'
  return new SeawallError(
    'SEAWALL_LOCKED',
    `Cannot ${action}: process ${pid === '' ? 'unknown' : pid} ${doing} (wait for it, or see ps -p ${pid})`,
  )
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}
