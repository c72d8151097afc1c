import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { writePcap } from '../../src/net/pcap.ts'
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
  ['replay', ['replay', 'four.pcap']],
  ['replay-config', ['replay', 'four.pcap', '--config', 'seawall.yaml']],
  ['top', ['top', '--count', '1', '--interval', '1ms']],
  ['unknown-command', ['statsu'], 2],
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
