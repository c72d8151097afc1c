import { command } from '../../src/linux/command.ts'
import { pinToCpu } from '../../src/linux/process.ts'

/** The CPU that is measured on; the other one is left to whatever else goes on. */
export const MEASURED_CPU = 1

/** Runs synchronous work with the main thread on one CPU, and gives it its old ones back. */
export function onCpu<T>(cpu: number, work: () => T): T {
  const before = command('taskset', ['-p', '-c', String(process.pid)])
    .split(': ')
    .at(-1)!
    .trim()
  pinToCpu(process.pid, cpu)
  try {
    return work()
  } finally {
    command('taskset', ['-p', '-c', before, String(process.pid)])
  }
}
