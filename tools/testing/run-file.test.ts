import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type FileResult, runFile } from './run-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'seawall-run-file-'))
after(() => rmSync(directory, { recursive: true }))

async function run(source: string, timeoutMs = 30_000): Promise<FileResult> {
  const file = join(directory, 'fixture.test.ts')
  writeFileSync(file, `import { describe, test } from 'node:test'\n${source}`)
  return await runFile(file, { timeoutMs })
}

const outcomes = (result: FileResult): string[] => result.tests.map((t) => `${t.outcome} ${t.name}`)

test('runFile reports each test, but not the suite around it', async () => {
  const result = await run(`
    describe('suite', () => { test('good', () => {}) })
    test('bad', () => { throw new Error('boom') })
    test('later', { skip: 'no time' }, () => {})`)
  assert.deepEqual(outcomes(result), ['passed good', 'failed bad', 'skipped later'])
  assert.match(result.tests[1]!.detail!, /boom/)
  assert.equal(result.tests[2]!.detail, 'no time')
})

test('runFile keeps what the process printed', async () => {
  assert.match((await run(`console.log('hello'); test('good', () => {})`)).output, /hello/)
})

test('runFile fails a file without tests', async () => {
  assert.match((await run('')).tests[0]!.detail!, /has no tests/)
})

test('runFile fails a file that cannot be loaded', async () => {
  const result = await run(`import './absent.ts'`)
  assert.match(result.tests[0]!.detail!, /exited with code 1/)
  assert.match(result.output, /absent/)
})

test('runFile fails a file whose process crashes after its tests', async () => {
  const result = await run(`test('good', () => {}); process.on('exit', () => process.kill(process.pid, 'SIGKILL'))`)
  assert.match(result.tests.at(-1)!.detail!, /SIGKILL/)
})

test('runFile kills and fails a file that hangs', async () => {
  const result = await run(`test('good', () => {}); setInterval(() => {}, 1000)`, 2_000)
  assert.match(result.tests.at(-1)!.detail!, /did not end within 2 s/)
})

test('runFile fails a suite whose hook throws', async () => {
  const result = await run(`
    import { before } from 'node:test'
    describe('suite', () => { before(() => { throw new Error('hook') }); test('good', () => {}) })`)
  assert.ok(result.tests.some((t) => t.outcome === 'failed' && /hook/.test(t.detail!)))
})
