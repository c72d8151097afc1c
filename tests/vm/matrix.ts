import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import pc from 'picocolors'
import { findTestFiles } from '../../tools/testing/test-files.ts'
import { features, presentFeatures } from './features.ts'
import { featureProblems, testProblems } from './judge.ts'
import type { Kernel } from './kernels.ts'
import { runMachine } from './machine.ts'
import type { Report } from './report.ts'
import { readSelection, selectFiles } from './selection.ts'
import { takeSnapshot } from './snapshot.ts'

/** What came out on one kernel. */
export interface Result {
  /** Its series, or `running`. */
  readonly kernel: string
  readonly report: Report
  readonly problems: readonly string[]
}

const CACHE = 'build/vm'

/** Only a machine that hangs comes near this. */
const MACHINE_TIMEOUT_MS = 40 * 60_000

export interface MatrixOptions {
  readonly kernels: readonly Kernel[]
  /** Parts of the paths of test files. */
  readonly filters: readonly string[]
  /** Without filters: also what tests/vm/selection.json leaves to such a run. */
  readonly all: boolean
  readonly signal: AbortSignal
}

/** Runs tests on several kernels at once. */
export async function runMatrix({ kernels, filters, all, signal }: MatrixOptions): Promise<readonly Result[]> {
  const selection = readSelection()
  const files = selectFiles(findTestFiles('.'), selection, { all, filters })
  const environment = Object.fromEntries(Object.entries(selection.amounts).map(([name, [value]]) => [name, value]))
  if (files.length === 0)
    throw new Error(`No test file of tests/kernel matches ${filters.map((filter) => `"${filter}"`).join(' or ')}`)
  const work = makeWorkFolder()
  const snapshot = join(work, 'snapshot')
  await takeSnapshot(snapshot)
  writeFileSync(join(snapshot, 'build/vm/run.json'), JSON.stringify({ files, environment }))
  const run = async (kernel: Kernel): Promise<Result> => {
    const print = (line: string): void => console.error(`${pc.dim(`${kernel.id.padEnd(4)} │`)} ${line}`)
    const report = await runMachine(kernel, { work, snapshot, timeoutMs: MACHINE_TIMEOUT_MS, print, signal })
    return {
      kernel: kernel.id,
      report,
      problems: [...featureProblems(report, features, true), ...testProblems(report)],
    }
  }
  return await Promise.all(kernels.map(run))
}

/** The running kernel, whose tests are those of `npm test`. */
export async function runningKernel(): Promise<Result> {
  const report: Report = { release: release(), features: await presentFeatures(), files: [], status: 0 }
  return { kernel: 'running', report, problems: featureProblems(report, features, false) }
}

/** A folder that is removed when this process ends, as are those of runs that were killed. */
function makeWorkFolder(): string {
  const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true })
  mkdirSync(CACHE, { recursive: true })
  for (const name of readdirSync(CACHE)) {
    const pid = /^run-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(join(CACHE, name))
  }
  const work = join(CACHE, `run-${process.pid}`)
  mkdirSync(work)
  process.once('exit', () => remove(work))
  return work
}
