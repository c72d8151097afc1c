import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestResult } from '../../tools/testing/reporter.ts'
import { LACKS } from '../support/lacking.ts'
import { featureProblems, testProblems } from './judge.ts'
import type { Report } from './report.ts'

const features = {
  old: { title: 'old', minimumKernel: '5.8', present: () => true },
  young: { title: 'young', minimumKernel: '6.6', present: () => true },
  module: { title: 'a module', minimumKernel: '3.9', optional: true, present: () => true },
}

const passed: TestResult = { name: 'good', nesting: 0, outcome: 'passed' }

function problems(change: Partial<Report>, tests: readonly TestResult[] = [passed], complete = true) {
  const report: Report = {
    release: '6.1.0-1-amd64',
    features: { old: true, young: false, module: true },
    files: [{ kind: 'file', file: 'a.test.ts', seconds: 1, tests }],
    status: 0,
    ...change,
  }
  return [...featureProblems(report, features, complete), ...testProblems(report)]
}

const skipped = (detail?: string): TestResult => ({
  name: 'left out',
  nesting: 0,
  outcome: 'skipped',
  ...(detail && { detail }),
})

test('featureProblems() and testProblems() find nothing wrong with a kernel that has what it is old enough to have', () => {
  assert.deepEqual(problems({}), [])
})

test('testProblems() lets a test be skipped for a feature that the kernel is too old for, and for nothing else', () => {
  assert.deepEqual(problems({}, [skipped(`${LACKS}young`)]), [])
  assert.deepEqual(problems({}, [skipped(`${LACKS}old`)]), [`a.test.ts: "left out" was skipped (${LACKS}old)`])
  assert.deepEqual(problems({}, [skipped('no time')]), ['a.test.ts: "left out" was skipped (no time)'])
  assert.deepEqual(problems({}, [skipped()]), ['a.test.ts: "left out" was skipped (no reason given)'])
})

test('featureProblems() wants every feature of a kernel that is new enough', () => {
  assert.deepEqual(problems({ release: '6.12.1' }), ['"young" is not there on Linux 6.12.1 (wanted since 6.6)'])
  const young = { features: { old: true, young: true, module: true } }
  assert.deepEqual(problems({ release: '6.12.1', ...young }), [])
  assert.deepEqual(problems(young), ['"young" is there on Linux 6.1.0-1-amd64 (its first kernel is said to be 6.6)'])
})

test('featureProblems() lets a kernel of somebody else be built without what is optional', () => {
  const without = { features: { old: true, young: false, module: false } }
  assert.equal(problems(without).length, 1)
  assert.deepEqual(problems(without, [passed], false), [])
})

test('testProblems() names failed tests, a run that did not end, and one that ended badly', () => {
  const failed: TestResult = { name: 'bad', nesting: 0, outcome: 'failed' }
  assert.deepEqual(problems({ status: 1 }, [passed, failed]), ['a.test.ts: "bad" failed'])
  assert.deepEqual(problems({ status: undefined }), ['the machine stopped before the end of the tests'])
  assert.deepEqual(problems({ status: 1 }), ['the tests ended with 1'])
  assert.deepEqual(problems({ status: null }), ['the tests ended with a signal'])
})

test('testProblems() does not take a machine that ran no test for one that is well', () => {
  assert.deepEqual(problems({ files: [] }), ['no test was run'])
})
