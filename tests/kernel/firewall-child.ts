/** A process of its own that changes or reads the state, see {@link inChild}. It says how it ended as JSON. */
import { writeSync } from 'node:fs'
import { type ApplyRequest, Firewall, type Paths } from '../../src/firewall/index.ts'
import { unpack } from './firewall-pack.ts'

export interface Task {
  readonly paths: Paths
  readonly action: 'apply' | 'status'
  readonly request: ApplyRequest
  /** Step at which the process kills itself, as `kill -9` would. */
  readonly dieAt?: string
}

const task = unpack(process.argv[2]!) as Task
const steps: string[] = []

function step(name: string): void {
  steps.push(name)
  if (name === task.dieAt) process.kill(process.pid, 'SIGKILL')
}

try {
  const firewall = new Firewall(task.paths, { step })
  if (task.action === 'status') firewall.status()
  else await firewall.apply(task.request)
  writeSync(1, JSON.stringify({ steps }))
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  writeSync(1, JSON.stringify({ code, message, steps }))
}
