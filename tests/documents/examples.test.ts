import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { findFiles } from '../../tools/find-files.ts'

/** The time an example may take. */
const TIMEOUT_MS = 60_000

for (const file of findFiles('.', (path) => /^examples\/.*\.ts$/.test(path))) {
  test(`${file} runs to its end and shows something`, () => {
    const args = ['--conditions=seawall-source', '--import', 'tsx', file]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: TIMEOUT_MS })
    assert.equal(run.status, 0, `${run.stdout}${run.stderr}`)
    assert.notEqual(run.stdout.trim(), '')
  })
}
