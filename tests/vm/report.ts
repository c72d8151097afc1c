import type { TestResult } from '../../tools/testing/reporter.ts'

/** What a machine tells about itself, one JSON object a line. */
export type ReportLine = FeaturesLine | FileLine | EndLine

interface FeaturesLine {
  readonly kind: 'features'
  /** `uname -r`. */
  readonly release: string
  readonly features: Readonly<Record<string, boolean>>
}

/** A test file that ended, written by tools/test.ts. */
export interface FileLine {
  readonly kind: 'file'
  readonly file: string
  readonly seconds: number
  readonly tests: readonly TestResult[]
}

interface EndLine {
  readonly kind: 'end'
  /** Exit code of the test run, `null` when it was killed. */
  readonly status: number | null
}

/** All that a machine told. */
export interface Report {
  readonly release: string
  readonly features: Readonly<Record<string, boolean>>
  readonly files: readonly FileLine[]
  /** Exit code of the test run; `undefined` when the machine stopped before its end. */
  readonly status: number | null | undefined
}

/** Reads what a machine wrote, which may end anywhere. */
export function parseReport(text: string): Report {
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ReportLine)
  const first = lines.find((line) => line.kind === 'features')
  return {
    release: first?.release ?? '',
    features: first?.features ?? {},
    files: lines.filter((line) => line.kind === 'file'),
    status: lines.find((line) => line.kind === 'end')?.status,
  }
}
