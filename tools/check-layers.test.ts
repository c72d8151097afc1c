import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLayers, problemOf } from './check-layers.ts'
import { temporaryTree } from './temporary-tree.ts'

test('problemOf lets imports point down and stay at home', () => {
  assert.equal(problemOf('src/rules/parse.ts', '../net/prefix.ts'), undefined)
  assert.equal(problemOf('src/rules/compile/a.ts', '../asm/b.ts'), undefined)
  assert.equal(problemOf('src/agent/index.ts', '../firewall/types.ts'), undefined)
  assert.equal(problemOf('src/bpf/ffi/libc.ts', 'koffi'), undefined)
  assert.equal(problemOf('lab/demo/main.ts', '../../src/cli/main.ts'), undefined)
  assert.equal(problemOf('lab/topology.ts', '../src/linux/netns.ts'), undefined)
})

test('problemOf refuses an import that points up or aside', () => {
  assert.match(problemOf('src/net/mac.ts', '../bpf/map.ts') ?? '', /"net" may import no other folder/)
  assert.match(problemOf('src/bpf/map.ts', '../net/mac.ts') ?? '', /"bpf" imports "net"/)
  assert.match(problemOf('src/firewall/a.ts', '../config/index.ts') ?? '', /"firewall" imports "config"/)
  assert.match(problemOf('src/firewall/a.ts', '../balancer/index.ts') ?? '', /"firewall" imports "balancer"/)
  assert.match(problemOf('src/config/load.ts', '../index.ts') ?? '', /"config" imports "index.ts"/)
  assert.match(problemOf('src/cli/main.ts', '../../lab/lab.ts') ?? '', /"cli" imports "lab"/)
  assert.match(problemOf('lab/topology.ts', '../src/rules/ast.ts') ?? '', /"lab" may import net, bpf, linux/)
})

test('problemOf keeps koffi in its folder, even for tests', () => {
  assert.match(problemOf('src/linux/netns.ts', 'koffi') ?? '', /only src\/bpf\/ffi\/ may/)
  assert.match(problemOf('src/linux/netns.test.ts', 'koffi') ?? '', /only src\/bpf\/ffi\/ may/)
})

test('problemOf keeps src/net pure and src/bpf by itself', () => {
  assert.match(problemOf('src/net/pcap.ts', 'node:fs') ?? '', /imports nothing/)
  assert.match(problemOf('src/bpf/map.ts', 'zod') ?? '', /only koffi and Node/)
  assert.equal(problemOf('src/bpf/map.ts', 'node:fs'), undefined)
})

test('checkLayers finds static, dynamic and re-exporting imports with their lines', () => {
  const root = temporaryTree({
    'src/net/a.ts': "\nexport * from '../rules/b.ts'\n",
    'src/rules/b.ts':
      "import type { A } from '../cli/main.ts'\nexport const load = () => import('../agent/index.ts')\n",
    'src/rules/fine.ts': "import { a } from '../net/a.ts'\nconst text = \"import '../cli/main.ts'\"\n",
  })
  assert.deepEqual(
    checkLayers(root).map((problem) => problem.split(': ')[0]),
    ['src/net/a.ts:2', 'src/rules/b.ts:1', 'src/rules/b.ts:2'],
  )
})
