import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { commands } from '../../src/cli/commands/index.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { runSeawall } from './run-seawall.ts'

interface HelpDocument {
  readonly usage: string
  readonly options: readonly { readonly flags: string }[]
  readonly globalOptions: readonly { readonly flags: string }[]
  readonly examples?: readonly unknown[]
  readonly commands?: readonly { readonly name: string }[]
  readonly exitCodes?: object
}

const documentation = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')

for (const { name, summary, examples } of commands) {
  test(`seawall ${name} --help says what it does, with an example that names it`, async () => {
    const run = await runSeawall([name, '--help'])
    assert.equal(run.code, 0)
    assert.equal(run.stderr, '')
    assert.match(run.stdout, new RegExp(`^Usage: seawall ${name}`))
    assert.ok(run.stdout.toLowerCase().includes(summary.toLowerCase()))
    assert.ok(examples.length > 0 && examples.every(([line]) => line.startsWith(`seawall ${name}`)))
    for (const line of run.stdout.split('\n').slice(0, run.stdout.split('\n').indexOf('Examples:'))) {
      assert.ok(line.length <= 100, `too wide: ${line}`)
    }
  })

  test(`seawall ${name} is described in docs/cli.md`, () => {
    assert.match(documentation, new RegExp(`^### \`seawall ${name}[\` ]`, 'm'))
  })

  test(`seawall help ${name} is its --help`, async () => {
    const [first, second] = [await runSeawall(['help', name]), await runSeawall([name, '--help'])]
    assert.deepEqual(first, second)
  })
}

test('seawall --help --json has every command, and of each the same as its help as text', async () => {
  const read = async (args: string[]) => JSON.parse((await runSeawall([...args, '--json'])).stdout) as HelpDocument
  const all = await read(['--help'])
  assert.deepEqual(
    all.commands!.map(({ name }) => name),
    commands.map(({ name }) => name),
  )
  assert.deepEqual(all.exitCodes, exitCodes)
  for (const { name, examples } of commands) {
    const one = await read([name, '--help'])
    assert.deepEqual(one, await read(['help', name]))
    assert.equal(one.examples!.length, examples.length)
    const { stdout } = await runSeawall([name, '--help'])
    assert.ok(stdout.startsWith(`Usage: ${one.usage}`))
    for (const { flags } of [...one.options, ...one.globalOptions])
      assert.ok(stdout.includes(flags), `${name} ${flags}`)
  }
})

test('seawall --json without a command is an error document', async () => {
  const { code, stdout, stderr } = await runSeawall(['--json'])
  assert.deepEqual([code, stderr], [exitCodes.usage, ''])
  assert.equal((JSON.parse(stdout) as { exitCode: number }).exitCode, exitCodes.usage)
})

test('seawall --help lists every command, and the exit codes', async () => {
  const { code, stdout } = await runSeawall(['--help'])
  assert.equal(code, 0)
  for (const { name } of commands) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'))
  assert.match(stdout, /Exit codes: 0 ok/)
})

test('seawall without a command prints its help to standard error and fails', async () => {
  const { code, stdout, stderr } = await runSeawall([])
  assert.equal(code, exitCodes.usage)
  assert.equal(stdout, '')
  assert.match(stderr, /^Usage: seawall/)
})

test('seawall --version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  assert.deepEqual(await runSeawall(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('docs/cli.md has every exit code', () => {
  const rows = [...documentation.matchAll(/^\| (\d+) \| /gm)].map((match) => Number(match[1]))
  assert.deepEqual(rows, Object.values(exitCodes))
})
