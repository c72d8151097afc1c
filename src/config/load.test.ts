import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { formatRule } from '../rules/index.ts'
import { ConfigError, type ConfigIssue } from './issue.ts'
import { findConfig, loadConfig } from './load.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-config-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function issuesOf(path: string): Promise<readonly ConfigIssue[]> {
  try {
    await loadConfig(path)
  } catch (error) {
    if (error instanceof ConfigError) return error.issues
    throw error
  }
  assert.fail(`${path} was loaded`)
}

/** `line:column path`, and the rest where a test wants to see it. */
const places = (issues: readonly ConfigIssue[]) => issues.map(({ line, column, path }) => `${line}:${column} ${path}`)

const rules = ['pass if ip.src in $friends', 'drop if udp.srcport == 53', 'limit 1000/s per ip.src/24 if tcp']

test('loadConfig reads TypeScript, YAML and JSON with the same meaning', async () => {
  const config = {
    interfaces: ['eth0', { name: 'eth1', mode: 'generic' }],
    firewall: {
      sets: { friends: ['192.0.2.0/24'], bogons: { file: 'bogons.txt' } },
      rules: [
        { pass: 'ip.src in $friends' },
        'drop if udp.srcport == 53',
        { limit: 'tcp', rate: '1k/s', per: 'ip.src/24' },
      ],
    },
  }
  const json = await loadConfig(write('same.json', JSON.stringify(config)))
  const typescript = await loadConfig(
    write('same.ts', `import { defineConfig } from 'seawall'\nexport default defineConfig(${JSON.stringify(config)})`),
  )
  const yaml = await loadConfig(
    write(
      'same.yaml',
      [
        'interfaces: [eth0, { name: eth1, mode: generic }]',
        'firewall:',
        '  sets: { friends: [192.0.2.0/24], bogons: { file: bogons.txt } }',
        '  rules:',
        '    - pass: ip.src in $friends',
        '    - drop if udp.srcport == 53',
        '    - { limit: tcp, rate: 1k/s, per: ip.src/24 }',
      ].join('\n'),
    ),
  )
  assert.deepEqual(json.desired, typescript.desired)
  assert.deepEqual(json.desired, yaml.desired)
  assert.equal(json.digest, yaml.digest)
  assert.deepEqual(json.desired.rules.map(formatRule), rules)
  assert.deepEqual(json.files, [join(folder, 'same.json'), join(folder, 'bogons.txt')])
  assert.equal(json.api.socket, '/run/seawall/seawall.sock')
})

test('loadConfig takes rules made with the builder or the parser of the package', async () => {
  const { desired } = await loadConfig(
    write(
      'built.ts',
      `import { parseExpr, parseRule } from 'seawall/rules'
       export default {
         interfaces: ['eth0'],
         firewall: { rules: [parseRule('dns: drop if udp.srcport == 53'), { count: parseExpr('tcp') }] },
       }`,
    ),
  )
  assert.deepEqual(desired.rules.map(formatRule), ['dns: drop if udp.srcport == 53', 'count if tcp'])
})

test('loadConfig names rules by what they say, and equal ones apart', async () => {
  const path = write(
    'ids.json',
    '{"interfaces":["eth0"],"firewall":{"rules":["drop if udp","drop if tcp","drop if udp"]}}',
  )
  const ids = (await loadConfig(path)).desired.rules.map((rule) => rule.id)
  assert.equal(new Set(ids).size, 3)
  assert.equal(ids[2], `${ids[0]}-2`)
})

test('loadConfig reports everything that is wrong in YAML, each with its line and column', async () => {
  const issues = await issuesOf(
    write(
      'bad.yaml',
      `interfaces: [eth0, eth0]
firewal: 1
firewall:
  malformed: dropp
  sets:
    inline: [10.0.0.1/8]
  rules:
    - drop: udp.dstprt == 53
    - limit: ip.src in $inlin
      rate: 1x
    - drop if tcp.flags.syn and foo
    - drip: udp
`,
    ),
  )
  assert.deepEqual(places(issues), [
    '1:20 interfaces[1]',
    '2:1 firewal',
    '4:14 firewall.malformed',
    '6:14 firewall.sets.inline[0]',
    '8:13 firewall.rules[0].drop',
    '9:24 firewall.rules[1].limit',
    '10:13 firewall.rules[1].rate',
    '11:33 firewall.rules[2]',
    '12:7 firewall.rules[3]',
  ])
  assert.equal(issues[1]!.remedy, 'did you mean "firewall"?')
  assert.equal(issues[3]!.remedy, 'write 10.0.0.0/8')
  assert.equal(issues[5]!.remedy, 'did you mean $inline?')
})

test('loadConfig finds the lines of a TypeScript configuration through constants and spreads', async () => {
  const issues = await issuesOf(
    write(
      'bad.ts',
      `import { defineConfig } from 'seawall'

const shared = [
  { drop: 'udp.dstprt == 53' },
]

export default defineConfig({
  interfaces: ['eth0'],
  firewall: {
    rules: [...shared, { drop: 'udp.srcport == 99999' }],
  },
  apy: {},
} as never)
`,
    ),
  )
  assert.deepEqual(places(issues), ['4:11 firewall.rules[0].drop', '10:48 firewall.rules[1].drop', '12:3 apy'])
})

test('loadConfig names the line of a syntax error in each format', async () => {
  assert.deepEqual(places(await issuesOf(write('syntax.ts', 'export default {\n  interfaces: [\n'))), ['3:1 '])
  assert.equal((await issuesOf(write('syntax.yaml', 'interfaces: [eth0\nfirewall: {}\n')))[0]!.line, 2)
  assert.equal((await issuesOf(write('syntax.json', '{\n  "interfaces": "x" "y"\n}')))[0]!.line, 2)
})

test('loadConfig reports an exception of a configuration with the line that threw', async () => {
  const issues = await issuesOf(
    write('throws.ts', "const a: number = 1\nthrow new Error('no such secret')\nexport default {}\n"),
  )
  assert.equal(issues[0]!.line, 2)
  assert.match(issues[0]!.found, /no such secret/)
})

test('loadConfig reports a missing file, an unknown extension, and no default export', async () => {
  assert.equal((await issuesOf(join(folder, 'none.ts')))[0]!.found, 'ENOENT')
  assert.match((await issuesOf(write('config.toml', '')))[0]!.found, /\.toml/)
  assert.equal((await issuesOf(write('empty.ts', 'export const a = 1')))[0]!.found, 'no default export')
  assert.equal((await issuesOf(write('empty.yaml', '')))[0]!.found, 'null')
})

test('loadConfig refuses two rules of one id, and two actions in one rule', async () => {
  const issues = await issuesOf(
    write(
      'twice.json',
      '{"interfaces":["eth0"],"firewall":{"rules":[\n{"id":"a","drop":"udp"},\n{"id":"a","drop":"tcp"},\n{"drop":"udp","pass":"tcp"}]}}',
    ),
  )
  assert.deepEqual(places(issues), ['3:1 firewall.rules[1]', '4:1 firewall.rules[2]'])
})

const key = '8f14e45fceea167a5a36dedd4bea2543'

test('loadConfig reads a balancer, and its digest is of the balancer too', async () => {
  const config = (weight: number) => ({
    interfaces: ['eth0'],
    balancer: {
      key,
      backends: { edge1: '10.0.1.1', edge2: { address: 'fd00::2', weight } },
      services: [{ id: 'web', address: '192.0.2.53', ports: [80, 443], protocol: 'tcp' }],
    },
  })
  const { balancer: _, ...without } = config(1)
  const [none, one, two] = await Promise.all(
    [without, config(1), config(2)].map((value, index) =>
      loadConfig(write(`balancer-${index}.json`, JSON.stringify(value))),
    ),
  )
  assert.equal(none!.balancer, undefined)
  assert.deepEqual(one!.balancer!.services[0]!.backends, ['edge1', 'edge2'])
  assert.equal(two!.balancer!.backends[1]!.weight, 2)
  assert.deepEqual(one!.desired, none!.desired)
  assert.equal(new Set([none, one, two].map((loaded) => loaded!.digest)).size, 3)
})

test('loadConfig finds the lines of mistakes of a balancer in YAML', async () => {
  const issues = await issuesOf(
    write(
      'balancer.yaml',
      `interfaces: [eth0]
balancer:
  key: 12345678901234567890123456789012
  backends:
    edge1: 10.0.1.1
    edge2: { address: 10.0.1.1, weigth: 2 }
  services:
    - { id: web, address: 192.0.2.53, ports: [80, 443, 80], protocol: tcp }
    - id: dns
      address: 192.0.2.1/24
      port: 53
      protocol: udp
      backends: [edge1, egde2]
      check: { dns: example.com, every: 2 s }
    - address: 192.0.2.54
      protocol: tcp
  bucket: 1024
`,
    ),
  )
  assert.deepEqual(places(issues), [
    '3:8 balancer.key',
    '6:23 balancer.backends.edge2.address',
    '6:33 balancer.backends.edge2.weigth',
    '8:56 balancer.services[0].ports[2]',
    '10:16 balancer.services[1].address',
    '13:25 balancer.services[1].backends[1]',
    '14:41 balancer.services[1].check.every',
    '15:7 balancer.services[2]',
    '17:3 balancer.bucket',
  ])
  assert.deepEqual([issues[0]!.found, issues[0]!.remedy], ['a number', 'put it in quotes'])
  assert.equal(issues[8]!.remedy, 'did you mean "buckets"?')
})

test('loadConfig finds the lines of mistakes of a balancer in TypeScript', async () => {
  const issues = await issuesOf(
    write(
      'balancer.ts',
      `import { defineConfig } from 'seawall'

const backends = {
  edge1: '10.0.1.1',
  edge2: '10.0.1',
}
const dns = { address: '192.0.2.53', port: 53, protocol: 'udp' } as const

export default defineConfig({
  interfaces: ['eth0'],
  balancer: {
    key: '${'0'.repeat(32)}',
    backends,
    services: [{ id: 'dns', ...dns, quick: true }, dns],
    buckets: 1000,
  },
} as never)
`,
    ),
  )
  assert.deepEqual(places(issues), [
    '5:10 balancer.backends.edge2',
    '7:13 balancer.services[1]',
    '12:10 balancer.key',
    '14:37 balancer.services[0].quick',
    '15:14 balancer.buckets',
  ])
})

test('findConfig prefers TypeScript', () => {
  assert.equal(findConfig(folder), undefined)
  const yaml = write('seawall.yaml', '')
  assert.equal(findConfig(folder), yaml)
  assert.equal(findConfig(folder), yaml)
  const typescript = write('seawall.config.ts', '')
  assert.equal(findConfig(folder), typescript)
})

test('loadConfig takes every example', async () => {
  const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
  const names = readdirSync(examples).filter((name) => name.startsWith('config-'))
  assert.ok(names.length >= 2)
  for (const name of names) assert.ok((await loadConfig(join(examples, name))).desired.rules.length > 0, name)
})
