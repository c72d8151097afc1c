/** Changes the state as told in argv: `{ paths, config, dieAt?, confirmWithinMs?, action? }` as JSON. Prints the outcome as JSON. */
import { loadConfig } from '../../src/config/index.ts'
import { Firewall, type Paths } from '../../src/firewall/index.ts'

interface Task {
  readonly paths: Paths
  readonly config: string
  /** Step at which the process kills itself, as `kill -9` would. */
  readonly dieAt?: string
  readonly action?: 'apply' | 'status'
}

const task = JSON.parse(process.argv[2]!) as Task
const steps: string[] = []

function step(name: string): void {
  steps.push(name)
  if (name === task.dieAt) process.kill(process.pid, 'SIGKILL')
}

try {
  const firewall = new Firewall(task.paths, { step })
  const result = task.action === 'status' ? firewall.status() : await firewall.apply(await loadConfig(task.config))
  process.stdout.write(JSON.stringify({ result, steps }))
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  process.stdout.write(JSON.stringify({ code, message, steps }))
}
