// Runs the tests of tests/kernel on Debian's kernels and shows what each kernel can: npm run test:kernels [-- --help]
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { features } from './features.ts'
import { type Kernel, readKernels } from './kernels.ts'
import { runMatrix, runningKernel } from './matrix.ts'
import { updateKernels } from './packages.ts'
import { describeSelection, readSelection } from './selection.ts'
import { featureTable, formatMarkdown, formatText, replaceBlock, type Table, testLine } from './table.ts'

const HELP = `npm run test:kernels -- [--kernel ID]… [--all] [--json] [--write] [--update] [FILTER…]

Boots each kernel of tests/vm/kernels.json in an emulated machine, runs the tests of tests/kernel in it, and shows a table of
features and kernels, the running kernel last. A FILTER is a part of a test file's path. tests/vm/selection.json says which files
are left out and which amounts are smaller, and why.

  --kernel ID  only this one, such as 6.1
  --all        also the files that are left out because they take long
  --json       the reports and what is wrong with them, as one line of JSON at the end
  --write      put the features into docs/kernels.md, if all is well
  --update     put the newest versions of the kernels into tests/vm/kernels.json, and run nothing`

const DOCUMENT = 'docs/kernels.md'

const OPTIONS = {
  kernel: { type: 'string', multiple: true },
  all: { type: 'boolean', default: false },
  json: { type: 'boolean' },
  write: { type: 'boolean' },
  update: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

function chosen(ids: readonly string[]): readonly Kernel[] {
  const kernels = readKernels()
  const unknown = ids.find((id) => !kernels.some((kernel) => kernel.id === id))
  if (unknown !== undefined)
    throw new Error(`Cannot run kernel "${unknown}" (wanted: ${kernels.map(({ id }) => id).join(', ')})`)
  return ids.length === 0 ? kernels : kernels.filter(({ id }) => ids.includes(id))
}

function writeTable(table: Table): void {
  const block = [formatMarkdown(table), describeSelection(readSelection())].join('\n\n')
  writeFileSync(DOCUMENT, replaceBlock(readFileSync(DOCUMENT, 'utf8'), block))
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  if (values.update) {
    for (const kernel of updateKernels()) console.log(`${kernel.package} ${kernel.version}`)
    return 0
  }
  if (values.write && values.kernel !== undefined)
    throw new Error('Cannot write a table of a part of the kernels (leave out --kernel)')
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
  const machines = await runMatrix({
    kernels: chosen(values.kernel ?? []),
    filters: positionals,
    all: values.all,
    signal: interrupt.signal,
  })
  if (interrupt.signal.aborted) return 130
  const results = [...machines, await runningKernel()]
  const problems = results.flatMap(({ kernel, problems }) => problems.map((problem) => `${kernel}: ${problem}`))
  const reports = results.map(({ report }) => report)
  const table = featureTable(reports, features)
  console.log(formatText([...table, testLine(reports)]))
  for (const problem of problems) console.log(pc.red(`✗ ${problem}`))
  if (values.write && problems.length === 0) writeTable(table)
  if (values.json) console.log(JSON.stringify(results))
  return problems.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
