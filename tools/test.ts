// Runs the tests: npm test [-- FILTER… | --unit]. A filter is a part of a test file's path. --report FILE appends a line of
// JSON for each test file (tests/vm/report.ts).
import { appendFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { mountBpffs } from '../src/linux/bpffs.ts'
import { kernelState, leaksSince, RUN_MARK } from './testing/kernel-state.ts'
import { formatFailed, formatFile, formatTotals, totalsOf } from './testing/report.ts'
import { type FileResult, runFile } from './testing/run-file.ts'
import { findTestFiles, type Stage, stagesOf } from './testing/test-files.ts'

/** Longest run of one file. Only a file that hangs comes near it. */
const FILE_TIMEOUT_MS = 600_000

/** Files at once. Set SEAWALL_PROCESSES for fewer. */
const PROCESSES = Number(process.env.SEAWALL_PROCESSES ?? availableParallelism())

const mark = `${process.pid}-${Date.now()}`

const { values, positionals } = parseArgs({
  options: { unit: { type: 'boolean' }, report: { type: 'string' } },
  allowPositionals: true,
})

function tell(result: FileResult): void {
  console.log(formatFile(result))
  const { file, seconds, tests } = result
  if (values.report !== undefined)
    appendFileSync(values.report, `${JSON.stringify({ kind: 'file', file, seconds, tests })}\n`)
}

async function runStage(stage: Stage): Promise<FileResult[]> {
  const waiting = [...stage.files]
  const results: FileResult[] = []
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file, { env: { ...process.env, [RUN_MARK]: mark }, timeoutMs: FILE_TIMEOUT_MS })
      tell(result)
      results.push(result)
    }
  }
  await Promise.all(Array.from({ length: stage.parallel ? PROCESSES : 1 }, worker))
  return results
}

/** Runs stages that work on the kernel, and fails when they leave anything behind in it. */
async function runOnKernel(stages: readonly Stage[]): Promise<FileResult[]> {
  if (mountBpffs()) console.log(pc.dim('mounted the BPF file system at /sys/fs/bpf'))
  const before = kernelState(mark)
  const results: FileResult[] = []
  for (const stage of stages) results.push(...(await runNamed(stage)))
  const leaks = await leaksSince(before, () => kernelState(mark))
  if (leaks.length === 0) return results
  const detail = `still there after the tests:\n  ${leaks.join('\n  ')}`
  const failure: FileResult = {
    file: 'leaks',
    tests: [{ name: 'leaks', nesting: 0, outcome: 'failed', detail }],
    seconds: 0,
    output: '',
  }
  tell(failure)
  return [...results, failure]
}

async function runNamed(stage: Stage): Promise<FileResult[]> {
  if (stage.files.length === 0) return []
  console.log(pc.bold(`${stage.name} tests`))
  return await runStage(stage)
}

async function main(): Promise<number> {
  const stages = stagesOf(findTestFiles('.'), positionals).filter((stage) => !(values.unit && stage.root))
  if (stages.every((stage) => stage.files.length === 0)) {
    console.error(`No test file matches ${positionals.map((filter) => `"${filter}"`).join(' or ')}`)
    return 1
  }
  const rooted = stages.filter((stage) => stage.root && stage.files.length > 0)
  if (rooted.length > 0 && process.getuid?.() !== 0) {
    console.error('Cannot run the tests on the kernel: root is needed (npm run test:unit needs none)')
    return 1
  }
  const results: FileResult[] = []
  for (const stage of stages) if (!stage.root) results.push(...(await runNamed(stage)))
  if (rooted.length > 0) results.push(...(await runOnKernel(rooted)))
  const failed = formatFailed(results)
  if (failed) console.log(`${pc.bold('failed')}\n${failed}`)
  const totals = totalsOf(results.flatMap(({ tests }) => tests))
  console.log(formatTotals(totals))
  return totals.failed > 0 ? 1 : 0
}

process.exitCode = await main()
