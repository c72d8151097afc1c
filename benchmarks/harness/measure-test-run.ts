import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../../src/linux/command.ts'
import { MEASURED_CPU, onCpu } from './on-cpu.ts'
import { type Timing, timingOf } from './timing.ts'

/** As much of `Program` of `seawall/bpf` as is needed here. */
export interface TestRunnable {
  testRun(options: { data: Uint8Array; repeat: number }): { readonly durationNs: number; readonly result: number }
}

export interface MeasureOptions {
  readonly runs: number
  readonly repeat: number
  /** What the program must return, if that matters: a wrong verdict is no result. */
  readonly expect?: number
}

/**
 * Nanoseconds a packet that a program takes by BPF_PROG_TEST_RUN, pinned to one CPU, after a run to warm up. The kernel
 * reports whole nanoseconds, averaged over the repeats.
 *
 * @throws Error when the program does not return what is expected.
 */
export function measureTestRun(program: TestRunnable, packet: Uint8Array, options: MeasureOptions): Timing {
  const { runs, repeat, expect } = options
  const once = (times: number): number => {
    const { durationNs, result } = program.testRun({ data: packet, repeat: times })
    if (expect !== undefined && result !== expect) throw new Error(`The program returned ${result}: wanted ${expect}`)
    return durationNs
  }
  return onCpu(MEASURED_CPU, () => {
    once(Math.ceil(repeat / 10))
    return timingOf(Array.from({ length: runs }, () => once(repeat)))
  })
}

/** The same for a program of somebody else's, known only by its id. */
export function measureProgramId(id: number, packet: Uint8Array, options: MeasureOptions): Timing {
  const folder = mkdtempSync(join(tmpdir(), 'seawall-packet-'))
  const file = join(folder, 'packet')
  writeFileSync(file, packet)
  const testRun = ({ repeat }: { repeat: number }): { durationNs: number; result: number } => {
    const args = ['-j', 'prog', 'run', 'id', String(id), 'data_in', file, 'repeat', String(repeat)]
    const { retval, duration } = JSON.parse(command('bpftool', args)) as { retval: number; duration: number }
    return { result: retval, durationNs: duration }
  }
  try {
    return measureTestRun({ testRun }, packet, options)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
