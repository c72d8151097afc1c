import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestResult } from './reporter.ts'

const reporter = fileURLToPath(new URL('./reporter.ts', import.meta.url))

/** What came out of one test file. */
export interface FileResult {
  readonly file: string
  readonly tests: readonly TestResult[]
  readonly seconds: number
  /** Standard output and error of its process, in the order it came. */
  readonly output: string
}

export interface RunFileOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Longest run in milliseconds; then the process is killed and the file has failed. */
  readonly timeoutMs: number
  /** Program and options to run it with, default this process's own. */
  readonly node?: readonly string[]
}

/** Runs one file of tests in a process of its own. A crash, a hang and a file without tests are failures too. */
export async function runFile(file: string, options: RunFileOptions): Promise<FileResult> {
  const directory = mkdtempSync(join(tmpdir(), 'seawall-test-'))
  try {
    const report = join(directory, 'report')
    const begin = performance.now()
    const end = await runProcess(file, report, options)
    const seconds = (performance.now() - begin) / 1000
    const tests = readReport(report)
    return { file, tests: [...tests, ...complaints(file, tests, end, options)], seconds, output: end.output }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly timedOut: boolean
  readonly output: string
}

function runProcess(file: string, report: string, options: RunFileOptions): Promise<End> {
  const [program, ...args] = options.node ?? [process.execPath, ...process.execArgv.filter(isNoReporter)]
  // Set by node --test in what it starts, this would replace our reporter.
  const { NODE_TEST_CONTEXT: _, ...env } = options.env ?? process.env
  const child = spawn(
    program!,
    [...args, `--test-reporter=${reporter}`, `--test-reporter-destination=${report}`, file],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    },
  )
  let output = ''
  let timedOut = false
  const collect = (text: string): void => {
    output += text
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, options.timeoutMs)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    // Not 'close': a process that the test left behind may hold the pipes open for ever.
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      setImmediate(() => resolve({ code, signal, timedOut, output }))
    })
  })
}

/** A run inside of a test of the runner must not write into the report that the test itself is in. */
function isNoReporter(option: string): boolean {
  return !option.startsWith('--test-reporter')
}

function readReport(path: string): TestResult[] {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  // A process that was killed may have left half a line.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TestResult)
}

function complaints(file: string, tests: readonly TestResult[], end: End, options: RunFileOptions): TestResult[] {
  const failure = (detail: string): TestResult[] => [{ name: file, nesting: 0, outcome: 'failed', detail }]
  if (end.timedOut) return failure(`did not end within ${options.timeoutMs / 1000} s`)
  if (end.signal !== null) return failure(`ended by signal ${end.signal}`)
  const failed = tests.some((test) => test.outcome === 'failed')
  if (end.code !== 0 && !failed) return failure(`exited with code ${end.code}`)
  if (end.code === 0 && failed) return failure('exited with code 0 although a test failed')
  return tests.length === 0 ? failure('has no tests') : []
}
