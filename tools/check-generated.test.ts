import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkGenerated } from './check-generated.ts'
import { temporaryTree } from './temporary-tree.ts'

const check = (source: string): string[] => checkGenerated(temporaryTree({ 'tools/bpf2ts.ts': source }))

test('checkGenerated hands on what bpf2ts says of a stale file', () => {
  assert.deepEqual(check(`console.log('src/generated/a.ts is stale', process.argv[2]); process.exit(1)`), [
    'src/generated/a.ts is stale --check',
  ])
})

test('checkGenerated fails when bpf2ts is killed or missing', () => {
  assert.match(check(`process.kill(process.pid, 'SIGKILL')`)[0] ?? '', /ended with SIGKILL/)
  assert.match(checkGenerated(temporaryTree({}))[0] ?? '', /bpf2ts/)
})

test('checkGenerated accepts when bpf2ts does', () => {
  assert.deepEqual(check('process.exit(0)'), [])
})
