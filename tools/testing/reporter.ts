import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** One test that ended, as a test file's process tells the runner: one JSON object a line. */
export interface TestResult {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Depth in the tree of tests, 0 for a test at the top of its file. */
  readonly nesting: number
  /** Why it failed, or why it was skipped. */
  readonly detail?: string
}

/** The reporter of node:test that the runner gives to every test file. Suites are no tests and are left out. */
export default async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const result = resultOf(event)
    if (result) yield `${JSON.stringify(result)}\n`
  }
}

function resultOf(event: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>): TestResult | undefined {
  const { name, nesting, details, skip, todo } = event.data
  if (event.type === 'test:fail' && todo === undefined) {
    const { error } = event.data.details
    if (details.type === 'suite' && isOfSubtests(error)) return undefined
    return { name, nesting, outcome: 'failed', detail: inspect(error.cause ?? error, { depth: 6 }) }
  }
  if (details.type === 'suite') return undefined
  const why = skip ?? todo
  if (why === undefined) return { name, nesting, outcome: 'passed' }
  return { name, nesting, outcome: 'skipped', detail: typeof why === 'string' ? why : '' }
}

/** A suite fails when a test in it does, which is reported by itself; a failing hook of the suite is a failure of its own. */
function isOfSubtests(error: Error): boolean {
  return (error as { failureType?: string }).failureType === 'subtestsFailed'
}
