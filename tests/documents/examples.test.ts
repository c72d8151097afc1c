import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/index.ts'
import { findFiles } from '../../tools/find-files.ts'

/** The time an example may take. */
const TIMEOUT_MS = 60_000

/** What an example says that it prints, in the comment at its end; `undefined` if it says nothing. */
function promised(source: string): string | undefined {
  const comment = /^\/\/ Prints:\n((?:\/\/ .*\n)+)$/m.exec(source)?.[1]
  return comment?.replaceAll(/^\/\/ /gm, '')
}

for (const file of findFiles('.', (path) => /^examples\/.*\.ts$/.test(path))) {
  test(`${file} runs to its end and prints what it promises`, () => {
    const args = ['--conditions=seawall-source', '--import', 'tsx', file]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: TIMEOUT_MS })
    assert.equal(run.status, 0, `${run.stdout}${run.stderr}`)
    assert.equal(run.stdout, promised(readFileSync(file, 'utf8')) ?? run.stdout)
    assert.notEqual(run.stdout.trim(), '')
  })
}

for (const file of findFiles('.', (path) => /^examples\/config-/.test(path))) {
  test(`${file} is a configuration`, async () => {
    const { desired } = await loadConfig(file)
    assert.notEqual(desired.rules.length, 0)
  })
}
