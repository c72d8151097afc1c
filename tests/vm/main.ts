// Runs the tests of tests/kernel on Debian's kernels and shows what each kernel can: npm run test:kernels [-- --help]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { features, presentFeatures } from './features.ts'
import { problemsOf } from './judge.ts'
import { type Kernel, readKernels } from './kernels.ts'
import { runMachine } from './machine.ts'
import { updateKernels } from './packages.ts'
import type { Report } from './report.ts'
import { takeSnapshot } from './snapshot.ts'
import { formatMarkdown, formatText, replaceBlock, tableOf } from './table.ts'

const HELP = `npm run test:kernels -- [--kernel ID]… [--json] [--write] [--update] [FILTER…]

Boots each kernel of tests/vm/kernels.json in an emulated machine, runs the tests of tests/kernel in it, and shows a table of
features and kernels, the running kernel last. A FILTER is a part of a test file's path.

  --kernel ID  only this one, such as 6.1
  --json       the reports and what is wrong with them, as one line of JSON at the end
  --write      put the table into docs/kernels.md, if all is well
  --update     put the newest versions of the kernels into tests/vm/kernels.json, and run nothing`

const CACHE = 'build/vm'

const DOCUMENT = 'docs/kernels.md'

/** Both machines together have fifteen minutes on two CPUs; only one that hangs comes near this. */
const MACHINE_TIMEOUT_MS = 25 * 60_000

/** Tests whose point is their amount get a smaller one: emulation costs about a factor of twenty. */
const environment = { SEAWALL_PAIRS: '3000' }

interface Result {
  readonly kernel: string
  readonly report: Report
  readonly problems: readonly string[]
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
  remove(work)
  mkdirSync(work)
  process.once('exit', () => remove(work))
  return work
}

async function runAll(kernels: readonly Kernel[], filters: readonly string[]): Promise<readonly Result[]> {
  const work = makeWorkFolder()
  const interrupt = new AbortController()
  const stop = (): void => interrupt.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const snapshot = join(work, 'snapshot')
    await takeSnapshot(snapshot)
    writeFileSync(join(snapshot, 'build/vm/run.json'), JSON.stringify({ filters, env: environment }))
    const run = async (kernel: Kernel): Promise<Result> => {
      const print = (line: string): void => console.error(`${pc.dim(`${kernel.id.padEnd(4)} │`)} ${line}`)
      const options = { work, snapshot, timeoutMs: MACHINE_TIMEOUT_MS, print, signal: interrupt.signal }
      const report = await runMachine(kernel, options)
      return { kernel: kernel.id, report, problems: problemsOf(report, features, true) }
    }
    return await Promise.all(kernels.map(run))
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    if (interrupt.signal.aborted) process.exit(130)
  }
}

/** The running kernel: its tests are those of `npm test`. */
async function runningKernel(): Promise<Result> {
  const report: Report = { release: release(), features: await presentFeatures(), files: [], status: 0 }
  return { kernel: 'running', report, problems: problemsOf(report, features, false) }
}

function chosen(ids: readonly string[]): readonly Kernel[] {
  const kernels = readKernels()
  const unknown = ids.find((id) => !kernels.some((kernel) => kernel.id === id))
  if (unknown !== undefined)
    throw new Error(`Cannot run kernel "${unknown}" (there are ${kernels.map(({ id }) => id).join(', ')})`)
  return ids.length === 0 ? kernels : kernels.filter(({ id }) => ids.includes(id))
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      kernel: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      write: { type: 'boolean' },
      update: { type: 'boolean' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  if (values.update) {
    for (const { id, version } of updateKernels()) console.log(`${id}: ${version}`)
    return 0
  }
  const kernels = chosen(values.kernel ?? [])
  if (values.write && (kernels.length < readKernels().length || positionals.length > 0))
    throw new Error('Cannot write the table of a part of the tests (leave out --kernel and filters)')
  const filters = positionals.length > 0 ? positionals : ['tests/kernel/']
  const results = [...(await runAll(kernels, filters)), await runningKernel()]
  const table = tableOf(
    results.map(({ report }) => report),
    features,
  )
  const problems = results.flatMap(({ kernel, problems }) => problems.map((problem) => `${kernel}: ${problem}`))
  console.log(formatText(table))
  for (const problem of problems) console.log(pc.red(`✗ ${problem}`))
  if (values.write && problems.length === 0)
    writeFileSync(DOCUMENT, replaceBlock(readFileSync(DOCUMENT, 'utf8'), formatMarkdown(table)))
  if (values.json) console.log(JSON.stringify(results))
  return problems.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
