import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkExports } from './check-exports.ts'
import { temporaryTree } from './temporary-tree.ts'

const names = ['net', 'bpf', 'linux', 'rules', 'firewall']
const entry = (name: string): object => ({
  'seawall-source': `./src/${name}/index.ts`,
  types: `./dist/src/${name}/index.d.ts`,
  default: `./dist/src/${name}/index.js`,
})
const exports = Object.fromEntries(names.map((name) => [`./${name}`, entry(name)]))
const manifest = { exports, bin: { seawall: 'dist/src/cli/main.js' }, files: ['dist', 'LICENSE'] }
const tree = {
  ...Object.fromEntries(names.map((name) => [`src/${name}/index.ts`, ''])),
  'src/cli/main.ts': '',
  LICENSE: '',
}

const check = (changed: object, files: Record<string, string> = tree): string[] =>
  checkExports(temporaryTree({ ...files, 'package.json': JSON.stringify({ ...manifest, ...changed }) }))

test('checkExports accepts a package.json that fits the tree', () => {
  assert.deepEqual(check({}), [])
})

test('checkExports finds a subpath without source, without types, and one that is not exported', () => {
  const { './net': _, ...fewer } = exports
  assert.match(check({ exports: fewer })[0] ?? '', /no export "\.\/net"/)
  assert.match(
    check({ exports: { ...exports, './absent': entry('absent') } })[0] ?? '',
    /has no \.\/src\/absent\/index\.ts/,
  )
  assert.match(check({ exports: { ...exports, './net': { default: './x.js' } } })[0] ?? '', /"\.\/net" should be/)
  assert.match(check({ exports: { ...exports, './a.json': './a.json' } })[0] ?? '', /does not exist/)
})

test('checkExports finds programs and files that do not exist', () => {
  assert.match(check({ bin: { seawall: 'dist/src/cli/absent.js' } })[0] ?? '', /built from src\/cli\/absent\.ts/)
  assert.match(check({ files: ['absent'] })[0] ?? '', /"files" names absent/)
})
