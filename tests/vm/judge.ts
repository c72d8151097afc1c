import { isAtLeast } from '../../src/bpf/kernel-version.ts'
import { LACKS } from '../support/lacking.ts'
import type { Feature } from './features.ts'
import type { Report } from './report.ts'

/**
 * A feature that is missing although the kernel is new enough, or there although it is older than said.
 *
 * @param complete whether the kernel was built with all that is optional.
 */
export function featureProblems(
  { release, features: found }: Report,
  features: Readonly<Record<string, Feature>>,
  complete: boolean,
): readonly string[] {
  return Object.entries(found).flatMap(([name, present]) => {
    const { minimumKernel, optional } = features[name]!
    const expected = isAtLeast(release, minimumKernel)
    if (present === expected || (!present && optional && !complete)) return []
    return present
      ? [`"${name}" is there on Linux ${release} (its first kernel is said to be ${minimumKernel})`]
      : [`"${name}" is not there on Linux ${release} (wanted since ${minimumKernel})`]
  })
}

/**
 * A test that failed, or was skipped for anything but a feature that the kernel is too old for, and a machine that stopped early or
 * ran no test. Empty when all is well.
 */
export function testProblems({ files, features, status }: Report): readonly string[] {
  const tests = files.flatMap(({ file, tests }) => tests.map((test) => ({ file, ...test })))
  const failed = tests
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ file, name }) => `${file}: "${name}" failed`)
  const skipped = tests
    .filter(({ outcome, detail = '' }) => outcome === 'skipped' && !isExcused(detail, features))
    .map(({ file, name, detail }) => `${file}: "${name}" was skipped (${detail || 'no reason given'})`)
  if (status === 0 && tests.length === 0) return ['no test was run']
  if (status === undefined) return [...failed, ...skipped, 'the machine stopped before the end of the tests']
  if (status !== 0 && failed.length === 0) return [...skipped, `the tests ended with ${status ?? 'a signal'}`]
  return [...failed, ...skipped]
}

function isExcused(reason: string, found: Report['features']): boolean {
  return reason.startsWith(LACKS) && found[reason.slice(LACKS.length)] === false
}
