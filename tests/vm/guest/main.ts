// The work of a machine: tells which features its kernel has, runs the tests, and writes all of it: main.ts REPORT
import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { presentFeatures } from '../features.ts'
import type { ReportLine } from '../report.ts'
import { fillDispatcher } from './dispatcher.ts'

const report = process.argv[2]!
const write = (line: ReportLine): void => appendFileSync(report, `${JSON.stringify(line)}\n`)

const { files, environment } = JSON.parse(readFileSync('build/vm/run.json', 'utf8')) as {
  readonly files: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

await fillDispatcher()
write({ kind: 'features', release: release(), features: await presentFeatures() })
const args = ['--import', 'tsx', 'tools/test.ts', '--report', report, ...files]
// Its two CPUs take turns, so two files at once would only be slower.
const env = { ...process.env, ...environment, SEAWALL_PROCESSES: '1' }
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env })
write({ kind: 'end', status })
