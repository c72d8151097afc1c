import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Netns } from '../../../src/linux/netns.ts'
import { findSockets } from '../../../src/linux/process-sockets.ts'
import { startFirst } from '../../sessions.ts'
import { writeNginx } from '../nginx.ts'
import { RUN_HEADER } from './web-clients.ts'

const WORKERS = 2

/** Several runs may listen at the same place. */
const PLACES = ['127.0.0.1:8080 reuseport', '[::1]:8080 reuseport']

/** Longest wait for it to listen. */
const START_MS = 5_000

/**
 * Starts nginx on 127.0.0.1:8080 and [::1]:8080; it is there when this returns. It says with each answer which run it is.
 *
 * @throws Error if it is not
 */
export async function startNginx(netns: Netns, directory: string, run: string): Promise<ChildProcess> {
  const location = `add_header ${RUN_HEADER} ${run}; return 200 "hello from run ${run}\\n";`
  const config = writeNginx(directory, { workers: WORKERS, listen: PLACES, location })
  const child = startFirst('nginx', ['-c', config, '-e', 'stderr'], { netns, stdio: ['ignore', 'ignore', 'inherit'] })
  for (const until = performance.now() + START_MS; performance.now() < until; await sleep(10)) {
    if (child.exitCode !== null) break
    const { pid } = child
    if (pid !== undefined && findSockets({ netns, pid }).length === WORKERS * PLACES.length) return child
  }
  child.kill('SIGKILL')
  throw new Error(`Cannot start nginx: run ${run} does not listen at ${PLACES.join(' and ')} after ${START_MS} ms`)
}
