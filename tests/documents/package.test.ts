import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

/** A folder where the package is installed as npm would, with plain Node and no loader. */
const app = mkdtempSync(join(tmpdir(), 'seawall-package-'))
const installed = join(app, 'node_modules/seawall')
let packed: string[] = []

before(() => {
  execFileSync(process.execPath, ['--import', 'tsx', 'tools/build.ts'])
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', app]
  const [{ filename, files }] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' })) as [
    { filename: string; files: { path: string }[] },
  ]
  packed = files.map(({ path }) => path)
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(app, filename), '-C', installed, '--strip-components=1'])
  for (const name of readdirSync('node_modules')) {
    if (!name.startsWith('.')) symlinkSync(resolve('node_modules', name), join(app, 'node_modules', name))
  }
})
after(() => rmSync(app, { recursive: true }))

test('npm pack takes what users need, and no sources or tests', () => {
  for (const path of ['README.md', 'LICENSE', 'package.json', 'dist/systemd/seawall.service', 'dist/src/cli/main.js']) {
    assert.ok(packed.includes(path), `${path} is missing`)
  }
  assert.ok(
    packed.some((path) => /^dist\/build\/bpf\/\w+\.bpf\.o$/.test(path)),
    'no BPF object',
  )
  assert.deepEqual(
    packed.filter((path) => /\.test\.|^(src|lab|tests|tools|benchmarks)\//.test(path)),
    [],
  )
})

test('every subpath of the package can be imported by plain Node and has types', () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, { types: string } | string>
  }
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    assert.ok(packed.includes(target.types.replace('./', '')), `${target.types} is missing`)
    const name = `seawall${subpath.slice(1)}`
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', `await import('${name}')`], {
      cwd: app,
      encoding: 'utf8',
    })
    assert.equal(run.status, 0, `${name}: ${run.stderr}`)
  }
})

test('the command line of the package runs on plain Node', () => {
  const main = join(installed, 'dist/src/cli/main.js')
  const run = spawnSync(main, ['--version'], { cwd: app, encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr || String(run.error))
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  assert.equal(run.stdout.trim(), version)
})
