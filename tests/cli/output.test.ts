import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { writePcap } from '../../src/net/pcap.ts'
import { balancerOf } from './balancer-of.ts'
import { FixedControl, NTP } from './fixed-control.ts'
import { assertGolden } from './golden.ts'
import { type Run, type RunOptions, runSeawall } from './run-seawall.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-cli-'))
after(() => rmSync(folder, { recursive: true }))

const TCP =
  '0200000000020200000000010800450000280001000040060000c6336407c00002090fa0005000000001000000005002ffff00000000'
const frames = [NTP, NTP, TCP, NTP.slice(0, 40)].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))
const packets = frames.map((bytes, index) => ({ timestamp: BigInt(index), bytes, length: bytes.length, linkType: 1 }))
writeFileSync(join(folder, 'four.pcap'), writePcap(packets))
writeFileSync(join(folder, 'cut.pcap'), writePcap(packets.slice(2, 3).map((one) => ({ ...one, length: 1_400 }))))
writeFileSync(
  join(folder, 'seawall.yaml'),
  `interfaces: [eth0]
firewall:
  sets: { office: [192.0.2.0/24, "198.51.100.0/24"] }
  rules:
    - { id: office, pass: ip.src in $office }
    - { id: rest, drop: 'not (tcp and tcp.dstport in {80 443})' }
`,
)

/** Command lines whose output must be what it was; the first word names the golden file. */
const cases: readonly (readonly [name: string, args: readonly string[], code?: number])[] = [
  ['help', ['--help']],
  ['help-apply', ['apply', '--help']],
  ['status', ['status']],
  ['rules', ['rules']],
  ['sets', ['sets']],
  ['plan', ['plan', '--config', 'seawall.yaml']],
  ['apply', ['apply', '--config', 'seawall.yaml']],
  ['apply-confirm', ['apply', '--confirm', '1m30s', '--config', 'seawall.yaml']],
  ['rollback', ['rollback']],
  ['confirm', ['confirm'], 3],
  ['drop', ['drop', 'udp.srcport', '==', '19', '--for', '10m', '--id', 'chargen']],
  ['undo', ['undo', 'night']],
  ['add', ['add', '$office', '192.0.2.128/25']],
  ['remove', ['remove', 'office', '2001:db8::1']],
  ['down', ['down']],
  ['explain', ['explain', NTP]],
  ['explain-file', ['explain', 'four.pcap', '--count', '3']],
  ['explain-all', ['explain', TCP, '--all']],
  ['explain-config', ['explain', NTP, '--config', 'seawall.yaml']],
  ['explain-cut', ['explain', 'cut.pcap']],
  ['explain-words', ['explain', 'udp', '198.51.100.7:123', '192.0.2.1:4242']],
  ['services', ['services']],
  ['services-plan', ['services', 'plan', '--config', 'seawall.yaml']],
  ['backends', ['backends']],
  ['backends-down', ['backends', '--state', 'down, drained']],
  ['drain', ['drain', 'edge2']],
  ['undrain', ['undrain', 'edge3']],
  ['where', ['where', NTP]],
  ['where-words', ['where', 'tcp', '203.0.113.7:40000', '192.0.2.53:443']],
  ['where-ipv6', ['where', 'udp', '[2001:db8::7]:4433', '[2001:db8:53::1]:443']],
  ['where-file', ['where', 'four.pcap', '--count', '3']],
  ['replay', ['replay', 'four.pcap']],
  ['replay-config', ['replay', 'four.pcap', '--config', 'seawall.yaml']],
  ['top', ['top', '--count', '1', '--interval', '1ms']],
  ['unknown-command', ['statsu'], 2],
  ['unknown-backend', ['drain', 'edge9'], 2],
  ['unknown-option', ['drop', 'udp', '--fro', '1'], 2],
  ['wrong-rule', ['drop', 'udp.dstprt', '==', '53'], 2],
]

async function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const made = await runSeawall(args, { control: new FixedControl(), cwd: folder, ...options })
  return { ...made, stdout: made.stdout.replaceAll(folder, '/here'), stderr: made.stderr.replaceAll(folder, '/here') }
}

function shown(args: readonly string[], { code, stdout, stderr }: Run): string {
  const line = args.map((arg) => (/[$ ]/.test(arg) ? `'${arg}'` : arg)).join(' ')
  return `$ seawall ${line}\n${stdout}${stderr === '' ? '' : `--- stderr\n${stderr}`}--- exit ${code}\n`
}

for (const [name, args, code = 0] of cases) {
  test(`seawall ${name} prints what it printed before`, async () => {
    const made = await run(args)
    assert.equal(made.code, code, made.stderr)
    assertGolden(name, shown(args, made))
  })

  test(`seawall ${name} prints the same twice`, async () => {
    assert.deepEqual(await run(args), await run(args))
  })

  test(`seawall ${name} --json prints one document, with the same exit code`, async () => {
    const made = await run([...args, '--json'])
    assert.equal(made.code, code, made.stdout)
    assert.equal(made.stderr, '')
    const document = JSON.parse(made.stdout) as { exitCode?: number }
    if (code !== 0) assert.equal(document.exitCode, code)
    assert.equal(made.stdout, (await run([...args, '--json'])).stdout)
  })
}

test('seawall uses colours on a terminal, and none with NO_COLOR, --no-color or TERM=dumb', async () => {
  const ansi = String.fromCharCode(27)
  const terminal = { columns: 80 }
  assert.ok((await run(['rollback'], terminal)).stdout.includes(ansi))
  assert.ok(!(await run(['rollback'])).stdout.includes(ansi))
  assert.ok((await run(['rollback'], { env: { FORCE_COLOR: '1' } })).stdout.includes(ansi))
  assert.ok(!(await run(['rollback'], { ...terminal, env: { NO_COLOR: '1' } })).stdout.includes(ansi))
  assert.ok(!(await run(['rollback', '--no-color'], terminal)).stdout.includes(ansi))
  assert.ok(!(await run(['rollback'], { ...terminal, env: { TERM: 'dumb' } })).stdout.includes(ansi))
})

test('seawall check counts what the balancer has, if there is one', async () => {
  const example = resolve('examples/config-balancer.yaml')
  const { stdout } = await runSeawall(['check', '--config', example])
  assert.equal(stdout, `ok  ${example}: 1 interface, 1 rule, 0 sets (0 prefixes), 3 services on 2 backends\n`)
  const { services, backends } = JSON.parse((await runSeawall(['check', '--json', '--config', example])).stdout)
  assert.deepEqual([services, backends], [3, 2])
  const without = await runSeawall(['check', '--config', join(folder, 'seawall.yaml')])
  assert.match(without.stdout, /\(2 prefixes\)\n$/)
})

test('seawall rules wraps the text of rules to the width of the terminal', async () => {
  const { stdout } = await run(['rules'], { columns: 80, env: { NO_COLOR: '1' } })
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, `${line.length}: ${line}`)
  assert.match(stdout, /11211\}/)
})

test('seawall status says nothing of a balancer where there is none', async () => {
  const control = new FixedControl()
  const { balancer, ...without } = await control.status()
  assert.equal(balancer?.version, 12)
  control.status = async () => without
  assert.doesNotMatch((await run(['status'], { control })).stdout, /balancer/i)
})

test('seawall services and backends fit 1,000 backends and 512 services into a terminal of 80 columns', async () => {
  const control = Object.assign(new FixedControl(), balancerOf({ services: 512, backends: 1_000 }))
  const terminal = { control, columns: 80, env: { NO_COLOR: '1' } }
  const services = (await run(['services'], terminal)).stdout
  const backends = (await run(['backends'], terminal)).stdout
  for (const line of [...services.split('\n'), ...backends.split('\n')]) {
    assert.ok(line.length <= 80, `${line.length}: ${line}`)
  }
  assert.match(services, /^service-511 .*999 of 1,000 backends,$/m)
  assert.equal(backends.match(/^edge\d+ /gm)?.length, 1_000)
  assert.match(backends, /^1,000 backends: 998 active, 1 draining, 1 down$/m)
  assert.match(backends.replaceAll(/\s+/g, ' '), /service-0, service-1, service-2 and 509 more: connection refused/)
})

test('seawall services tells many shares by the least and the most, and backends that are down', async () => {
  const control = Object.assign(new FixedControl(), balancerOf({ services: 1, backends: 1_000 }))
  const { stdout } = await run(['services'], { control })
  assert.match(stdout, /999 of 1,000 backends, 0\.1% each; down: edge7$/m)
  const weighted = Object.assign(new FixedControl(), balancerOf({ services: 1, backends: 10 }))
  assert.match((await run(['services'], { control: weighted })).stdout, /9 of 10 backends, 11\.1% each; down: edge7$/m)
})

test('seawall services plan says when no bucket moves, or there is no balancer', async () => {
  const still = new FixedControl()
  still.impact = async () => [{ services: ['web'], buckets: 16_384, moved: 0, deferred: 0 }]
  assert.match((await run(['services', 'plan', '-c', 'seawall.yaml'], { control: still })).stdout, /^no bucket moves$/m)
  const none = new FixedControl()
  none.impact = async () => []
  const { stdout } = await run(['services', 'plan', '-c', 'seawall.yaml'], { control: none })
  assert.equal(stdout, 'no tables: the configuration has no balancer\n')
})

test('seawall where takes a packet as one argument, and gives the control what explain would be given', async () => {
  const control = new FixedControl()
  const asked: string[] = []
  control.where = async (packets) => {
    asked.push(...packets.map((bytes) => Buffer.from(bytes).toString('hex')))
    return packets.map(() => ({ packet: '', why: 'no reason' }))
  }
  await run(['where', 'udp  198.51.100.7:123 192.0.2.1:4242'], { control })
  await run(['where', 'udp', '198.51.100.7:123', '192.0.2.1:4242'], { control })
  await run(['where', NTP], { control })
  assert.equal(asked[0], asked[1])
  assert.equal(asked[2], NTP)
  assert.match(asked[0]!, /c6336407c0000201007b1092/)
})
