import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Program } from '../../src/bpf/index.ts'

/** Runs `work` while a process on the other CPU runs the same program without pause; it ends by itself. */
export async function contended<T>(program: Program, packet: Uint8Array, work: () => T): Promise<T> {
  const hammer = new URL('./hammer.ts', import.meta.url).pathname
  const child = spawn(
    'taskset',
    ['-c', '0', process.execPath, '--import', 'tsx', hammer, String(program.id), Buffer.from(packet).toString('hex')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exit = once(child, 'exit')
  try {
    await Promise.race([once(child.stdout, 'data'), exit])
    if (child.exitCode !== null) throw new Error(`The process on the other CPU ended with ${child.exitCode}`)
    return work()
  } finally {
    child.kill()
    await exit
  }
}
