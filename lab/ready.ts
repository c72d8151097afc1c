import type { ChildProcess } from 'node:child_process'

/**
 * Waits until a process says something on its standard output: that it is ready. From then on what it writes to a pipe of standard error
 * is seen on this process's own.
 *
 * @throws Error with what it said, when it ends before
 */
export function untilReady(child: ChildProcess): Promise<void> {
  let said = ''
  const listen = (text: string): void => {
    said += text
  }
  child.stderr?.setEncoding('utf8').on('data', listen)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      reject(new Error(`Cannot start "${child.spawnfile}": it ended with ${signal ?? code}: ${said.trim()}`))
    })
    child.stdout!.once('data', () => {
      child.stderr?.off('data', listen).on('data', (text) => process.stderr.write(text))
      resolve()
    })
  })
}
