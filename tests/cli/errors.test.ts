import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { exitCodeOf, exitCodes } from '../../src/cli/exit-codes.ts'
import { SeawallError, type SeawallErrorCode } from '../../src/entry/errors.ts'
import { writePcap } from '../../src/net/pcap.ts'
import { FixedControl } from './fixed-control.ts'
import { runSeawall } from './run-seawall.ts'
import { VerifierLike } from './verifier-like.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-errors-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true }))

const packet = { timestamp: 0n, bytes: new Uint8Array(60), length: 60 }
writeFileSync(join(folder, 'raw.pcap'), writePcap([{ ...packet, linkType: 101 }]))
writeFileSync(join(folder, 'empty.pcap'), writePcap([]))
writeFileSync(join(folder, 'cut.pcap'), writePcap([{ ...packet, linkType: 1 }]).subarray(0, 50))
writeFileSync(join(folder, 'junk.pcap'), 'this is no capture')
writeFileSync(
  join(folder, 'wrong.yaml'),
  'interfaces: [eth0]\nfirewall:\n  rules:\n    - drop: udp.dstprt == 53\n    - frob: 1\n',
)
writeFileSync(
  join(folder, 'balancer.yaml'),
  'interfaces: [eth0]\nbalancer:\n  key: "0"\n  backends: { a: 10.0.0.1 }\n  services: [{ address: 192.0.2.53, prt: 53 }]\n',
)
writeFileSync(join(folder, 'syntax.yaml'), 'interfaces: [eth0\n')
writeFileSync(join(folder, 'set.yaml'), 'interfaces: [eth0]\nfirewall:\n  sets: { bad: { file: bad.txt } }\n')
writeFileSync(join(folder, 'noset.yaml'), 'interfaces: [eth0]\nfirewall:\n  sets: { bad: { file: none.txt } }\n')
writeFileSync(join(folder, 'bad.txt'), `192.0.2.0/24\n${'192.0.2.1\n'.repeat(1_000)}300.0.0.1\n`)
writeFileSync(join(folder, 'throws.config.ts'), 'throw new Error("no")\nexport default {}\n')

const run = (args: readonly string[]) => runSeawall(args, { control: new FixedControl(), cwd: folder })

/** Wrong input, and a piece of the message that it must have. */
const wrong: readonly (readonly [line: string, message: RegExp])[] = [
  ['frobnicate', /unknown command "frobnicate"/],
  ['statsu', /did you mean status/],
  ['status --frob', /unknown option "--frob"/],
  ['status extra', /too many arguments/],
  ['drop', /missing required argument "expression"/],
  ['undo', /missing required argument "id"/],
  ['add office', /missing required argument "prefix"/],
  ['explain', /missing required argument "packet"/],
  ['drop udp --for', /argument missing/],
  ['drop udp --for 10', /Cannot read duration "10"/],
  ['drop udp --for -5m', /Cannot read duration "-5m"/],
  ['drop udp and', /\^/],
  ['drop udp.dstport == dns', /udp.dstport == dns\n.*\^/],
  ['apply --confirm soon', /Cannot read duration "soon"/],
  ['add office 192.0.2.0/33', /Cannot read prefix "192.0.2.0\/33"/],
  ['add office 192.0.2.1/24', /192.0.2.1\/24/],
  ['add nothing ::/0', /"nothing"/],
  ['undo nothing', /"nothing"/],
  ['explain xyz', /found "x"/],
  ['explain abc', /3 hexadecimal digits/],
  ['explain none.pcap', /no such file/],
  ['explain raw.pcap', /link type is 101, wanted 1/],
  ['explain empty.pcap', /no packets/],
  ['explain cut.pcap', /offset/],
  ['explain junk.pcap', /Cannot read capture/],
  ['explain 00 --count 0', /--count "0"/],
  ['explain 00 --count many', /--count "many"/],
  ['explain tcp 192.0.2.1:1', /found 2 words/],
  ['where', /missing required argument "packet"/],
  ['where xyz', /found "x"/],
  ['where none.pcap', /no such file/],
  ['where raw.pcap', /link type is 101, wanted 1/],
  ['where 00 --count 0', /--count "0"/],
  ['where tcp 192.0.2.1 192.0.2.2:80', /Cannot read "192.0.2.1": wanted address and port/],
  ['where udp [::1]:53 192.0.2.2:53', /found IPv4 and IPv6/],
  ['services frob', /"frob" is invalid/],
  ['services --config good.yaml', /lists what is in force \(seawall services plan/],
  ['services plan', /Cannot find a configuration/],
  ['backends --state gone', /found "gone", wanted some of active, draining/],
  ['drain', /missing required argument "name"/],
  ['drain edge9', /"edge9"/],
  ['undrain edge9', /"edge9"/],
  ['replay 0011', /no such file/],
  ['top --interval 0s', /Cannot read duration "0s"/],
  ['top --most 1.5', /--most "1.5"/],
  ['top --by colour', /found "colour", wanted some of source, destination/],
  ['top --sample 1', /--sample "1": wanted a share/],
  ['check', /Cannot find a configuration/],
  ['check --config none.yaml', /ENOENT/],
  ['check --config wrong.yaml', /2 problems in wrong.yaml(.|\n)*wrong.yaml:4:13(.|\n)*\^(.|\n)*wrong.yaml:5/],
  [
    'check --config balancer.yaml',
    /balancer.yaml:3:8 {2}balancer.key(.|\n)*balancer.yaml:5:14 {2}balancer.services\[0\](.|\n)*did you mean "port"/,
  ],
  ['check --config syntax.yaml', /syntax.yaml:\d/],
  ['check --config raw.pcap', /extension ".pcap"/],
  ['check --config set.yaml', /bad.txt:1002: .*300.0.0.1/],
  ['check --config noset.yaml', /none.txt/],
  ['check --config throws.config.ts', /throws.config.ts:1/],
]

for (const [line, message] of wrong) {
  test(`seawall ${line} ends with 2 and says why`, async () => {
    const args = line.split(' ')
    const text = await run(args)
    assert.equal(text.code, exitCodes.usage, text.stderr)
    assert.equal(text.stdout, '')
    assert.match(text.stderr, /^error: [A-Z0-9]/)
    assert.match(text.stderr, message)
    assert.doesNotMatch(text.stderr, /\n +at |undefined|\[object/)
    const json = await run([...args, '--json'])
    const document = JSON.parse(json.stdout) as { error: { code: string; message: string }; exitCode: number }
    assert.equal(json.stderr, '')
    assert.deepEqual([json.code, document.exitCode], [exitCodes.usage, exitCodes.usage])
    assert.match(document.error.code, /^[A-Z_]+$/)
  })
}

const codes: Readonly<Record<SeawallErrorCode, number>> = {
  SEAWALL_LOCKED: 3,
  SEAWALL_STATE_VERSION: 3,
  SEAWALL_NOT_UP: 6,
  SEAWALL_PERMISSION: 5,
  SEAWALL_NO_BPF: 4,
  SEAWALL_BPFFS: 4,
  SEAWALL_INTERFACE: 2,
  SEAWALL_NOTHING_TO_CONFIRM: 3,
  SEAWALL_NO_PREVIOUS: 3,
  SEAWALL_UNKNOWN_RULE: 2,
  SEAWALL_DUPLICATE_RULE: 2,
  SEAWALL_UNKNOWN_SET: 2,
  SEAWALL_NO_BALANCER: 6,
  SEAWALL_NO_DISPATCH: 6,
  SEAWALL_UNKNOWN_BACKEND: 2,
  SEAWALL_FLEET: 3,
  SEAWALL_SET_FULL: 1,
  SEAWALL_INPUT: 2,
  SEAWALL_FULL: 1,
}

for (const [code, exitCode] of Object.entries(codes)) {
  test(`seawall ends with ${exitCode} for ${code}`, async () => {
    const control = new FixedControl()
    control.rules = async () => {
      throw new SeawallError(code as SeawallErrorCode, 'Cannot do it: it is wrong (do better)')
    }
    const made = await runSeawall(['rules'], { control })
    assert.deepEqual(made, { code: exitCode, stdout: '', stderr: 'error: Cannot do it: it is wrong (do better)\n' })
    assert.equal(exitCodeOf(code), exitCode)
  })
}

test('seawall shows an unexpected error without its stack, unless --debug', async () => {
  const control = new FixedControl()
  control.rules = async () => {
    throw new TypeError('x is not a function', { cause: new Error('the cause') })
  }
  const short = await runSeawall(['rules'], { control })
  assert.equal(short.code, exitCodes.failed)
  assert.equal(short.stderr, 'error: x is not a function\n(use --debug for the stack trace)\n')
  const long = await runSeawall(['rules', '--debug'], { control })
  assert.match(long.stderr, /errors\.test\.ts:\d+(.|\n)*caused by Error: the cause/)
})

test('seawall shows the summary of a verifier error, and its log with --debug', async () => {
  const control = new FixedControl()
  control.apply = async () => {
    throw new VerifierLike('R1 invalid mem access', ['0: (79) r1 = *(u64 *)(r1 +0)', 'R1 invalid mem access'])
  }
  writeFileSync(join(folder, 'good.yaml'), 'interfaces: [eth0]\n')
  const args = ['apply', '--config', 'good.yaml']
  const short = await runSeawall(args, { control, cwd: folder })
  assert.match(short.stderr, /R1 invalid mem access\n\(the log of the verifier has 2 lines: use --debug\)/)
  const long = await runSeawall([...args, '--debug'], { control, cwd: folder })
  assert.match(long.stderr, /0: \(79\) r1/)
})

const readable = (() => {
  try {
    accessSync(process.execPath, constants.X_OK)
    return spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'ls', process.cwd()]).status === 0
  } catch {
    return false
  }
})()

test('seawall ends with 5 for a user who may not', { skip: !readable && 'nobody cannot read this folder' }, () => {
  const args = [
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    process.execPath,
    '--import',
    'tsx',
    'src/cli/main.ts',
  ]
  const env = {
    ...process.env,
    SEAWALL_RUN: join(folder, 'run'),
    SEAWALL_PINS: '/sys/fs/bpf/seawall-nobody',
    TMPDIR: '/tmp',
  }
  const apply = spawnSync('setpriv', [...args, 'drop', 'udp'], { encoding: 'utf8', env })
  assert.equal(apply.status, exitCodes.privilege, apply.stderr)
  assert.match(apply.stderr, /^error: .*root/)
})
