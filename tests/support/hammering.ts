import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Program } from '../../src/bpf/index.ts'

const script = new URL('./hammer.ts', import.meta.url).pathname

/** Runs `work` while a process on each of the CPUs runs the program on its packet without pause. */
export async function whileHammering<T>(
  program: Program,
  packets: ReadonlyMap<number, Uint8Array>,
  work: () => T | Promise<T>,
): Promise<T> {
  const hammers = await Promise.all([...packets].map(([cpu, packet]) => startHammer(program, cpu, packet)))
  try {
    return await work()
  } finally {
    for (const hammer of hammers) hammer.kill()
    await Promise.all(hammers.map((hammer) => once(hammer, 'exit')))
  }
}

async function startHammer(program: Program, cpu: number, packet: Uint8Array): Promise<ChildProcess> {
  const args = [process.execPath, '--import', 'tsx', script, String(program.id), Buffer.from(packet).toString('hex')]
  const child = spawn('taskset', ['-c', String(cpu), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (child.exitCode !== null)
    throw new Error(`The process that runs program ${program.id} ended with ${child.exitCode}`)
  return child
}
