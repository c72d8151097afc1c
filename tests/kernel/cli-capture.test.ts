import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import type { Frame } from '../../src/cli/top/frame.ts'
import type { RuleStatus } from '../../src/firewall/index.ts'
import { command } from '../../src/linux/command.ts'
import { ip } from '../../src/linux/interface.ts'
import { ended, start, stop } from '../../src/linux/process.ts'
import { readCapture } from '../../src/net/pcap.ts'
import { CliWorld } from './cli-world.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** Longer than the longest Ethernet frame of old. */
const JUMBO = 9_000

let world: CliWorld
const children: ChildProcess[] = []

before(async () => {
  world = new CliWorld()
  ip(world.edge, ['link', 'set', 'sea0', 'mtu', String(JUMBO)])
  ip(world.client, ['link', 'set', 'cli0', 'mtu', String(JUMBO)])
  // Frames of that length are too long for native XDP on a veth.
  world.configure(
    { rules: [{ id: 'no-chargen', drop: 'udp.dstport == 19' }] },
    { interfaces: [{ name: 'sea0', mode: 'generic' }] },
  )
  assert.equal((await world.run('apply')).code, 0)
})
afterEach(async () => {
  for (const child of children.splice(0)) await stop(child)
})
after(() => world.remove())

const listed = async () => (await world.json<RuleStatus[]>('rules')).filter(({ capture }) => capture !== undefined)
const file = (name: string) => join(world.folder, name)

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    if (await holds()) return
    await sleep(50)
  }
  assert.fail(`it never came about that ${what}`)
}

/** Runs `seawall capture` in this process while something is sent, once it captures. */
async function captured(args: readonly string[], send: () => Promise<void>) {
  const run = world.run(['capture', ...args])
  await until('a capture is going on', async () => (await listed()).length === 1)
  await send()
  return run
}

/** Sends datagrams of so many bytes from the client. */
async function sendLong(bytes: number, count: number): Promise<void> {
  const script = `for i in $(seq ${count}); do dd if=/dev/zero bs=${bytes} count=1 status=none > /dev/udp/10.77.0.1/20; done`
  await ended(start('bash', ['-c', script], { netns: world.client, stdio: 'pipe' }))
}

/** A shell line with `seawall` in it, in a process of its own. */
function shell(line: string) {
  const seawall = `${process.execPath} --import tsx ${MAIN}`
  const child = start('bash', ['-c', line.replaceAll('seawall ', `${seawall} `)], {
    env: { ...process.env, ...world.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => void (output[name] += text))
  return { child, output, gone: new Promise((resolve) => child.once('close', resolve)) }
}

const tshark = (path: string, ...args: string[]) =>
  execFileSync('tshark', ['-r', path, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trim()
    .split('\n')

test('seawall capture prints a line a packet with verdict and rule, and is gone after --count', async () => {
  const { code, stdout, stderr } = await captured(['udp.dstport in {19 20}', '--count', '2'], async () => {
    await world.send(19, 1)
    await world.send(20, 1)
  })
  assert.equal(code, 0, stderr)
  const lines = stdout.trimEnd().split('\n')
  assert.match(
    lines[0]!,
    /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z sea0 drop no-chargen {2}IPv4 UDP 10\.77\.0\.2:\d+ → 10\.77\.0\.1:19, 49 bytes$/,
  )
  assert.match(lines[1]!, / sea0 pass default {2}IPv4 UDP /)
  assert.equal(stderr, 'captured 2 packets, lost 0\n')
  assert.deepEqual(await listed(), [])
})

test('seawall capture --json prints an object a line, the last of which sums up', async () => {
  const began = Date.now()
  const { stdout } = await captured(['udp.dstport == 19', '--count', '1', '--json'], () => world.send(19, 1))
  const [packet, summary, ...rest] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(rest, [])
  assert.equal(
    `${packet.interface} ${packet.verdict} ${packet.decidedBy} ${packet.length} ${packet.lost}`,
    'sea0 drop no-chargen 49 0',
  )
  assert.equal(packet.bytes.length, 98)
  assert.equal(summary.captured, 1)
  assert.equal(summary.lost, 0)
  const time = Date.parse(packet.time)
  assert.ok(time >= began - 1 && time <= Date.now(), packet.time)
})

test('seawall capture -w writes what tshark reads: comments, interface, nanoseconds, verdict, whole jumbo frames', async () => {
  const path = file('jumbo.pcapng')
  const sent = async () => {
    await world.send(19, 1)
    await sendLong(JUMBO - 28, 1)
  }
  const { code, stdout, stderr } = await captured(['udp.dstport in {19 20}', '--count', '2', '-w', path], sent)
  assert.equal(code, 0, stderr)
  assert.equal(stdout, '')
  const fields = ['frame.comment', 'frame.interface_name', 'frame.cap_len', 'frame.verdict.ebpf_xdp'].flatMap((one) => [
    '-e',
    one,
  ])
  assert.deepEqual(tshark(path, '-T', 'fields', ...fields), [
    'verdict=drop rule=no-chargen\tsea0\t49\t1',
    `verdict=pass reason=default\tsea0\t${JUMBO + 14}\t2`,
  ])
  assert.equal(tshark(path, '-Y', 'frame.number == 2', '-T', 'fields', '-e', 'data.len')[0], String(JUMBO - 28))
  const about = command('capinfos', [path])
  assert.match(about, /precision: +nanoseconds/)
  assert.match(about, /seawall capture: udp\.dstport in \{19 20\}/)
})

test('seawall capture -w - writes into a pipe, and ends cleanly when its reader has had enough', async () => {
  const { output, gone } = shell(
    'seawall capture udp.dstport == 19 -w - 2>/dev/null | tshark -l -r - -c 2 -T fields -e frame.comment 2>/dev/null; echo $PIPESTATUS',
  )
  await until('a capture is going on', async () => (await listed()).length === 1)
  await until('the pipeline ends', async () => {
    await world.send(19, 3)
    return output.stdout.endsWith('0\n')
  })
  await gone
  assert.deepEqual(output.stdout.split('\n').slice(0, 3), [
    'verdict=drop rule=no-chargen',
    'verdict=drop rule=no-chargen',
    '0',
  ])
  await until('the rule is gone', async () => (await listed()).length === 0)
})

test('seawall capture | head removes its rule', async () => {
  const { output, gone } = shell('seawall capture udp.dstport == 19 2>/dev/null | head -1; echo $PIPESTATUS')
  await until('a capture is going on', async () => (await listed()).length === 1)
  await until('the pipeline ends', async () => {
    await world.send(19, 2)
    return output.stdout.endsWith('\n0\n')
  })
  await gone
  await until('the rule is gone', async () => (await listed()).length === 0)
})

test('seawall capture ends with Ctrl-C, at a whole packet, and with --for by itself', async () => {
  const { child, output, gone } = shell(`exec seawall capture udp.dstport == 19 -w ${file('interrupted.pcapng')}`)
  await until('a capture is going on', async () => (await listed()).length === 1)
  await world.send(19, 5)
  await until('5 packets are in the file', () => readPackets('interrupted.pcapng') === 5)
  child.kill('SIGINT')
  assert.equal(await gone, 0, output.stderr)
  assert.match(output.stderr, /^captured 5 packets, lost 0$/m)
  assert.deepEqual(await listed(), [])
  const timed = await world.run(['capture', 'udp.dstport == 19', '--for', '100ms'])
  assert.equal(timed.code, 0, timed.stderr)
  assert.match(timed.stderr, /^captured 0 packets/)
  const empty = file('empty.pcapng')
  const { stdout } = await world.run(['capture', 'udp.dstport == 19', '--for', '100ms', '-w', empty, '--json'])
  const { captured, lost } = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual({ captured, lost }, { captured: 0, lost: 0 })
  assert.deepEqual(tshark(empty), [''])
})

/** Packets in a file that is being written. */
function readPackets(name: string): number {
  try {
    return readCapture(readFileSync(file(name))).length
  } catch {
    return 0
  }
}

test('seawall capture tells what it lost while it stood still, at the end and where it happened', async () => {
  const { child, output, gone } = shell(
    `exec seawall capture udp.dstport == 20 --buffer 64K -w ${file('lossy.pcapng')}`,
  )
  await until('a capture is going on', async () => (await listed()).length === 1)
  await sendLong(1_400, 1)
  await until('it reads', () => readPackets('lossy.pcapng') === 1)
  child.kill('SIGSTOP')
  await sendLong(1_400, 60)
  await until('61 packets have come', async () => (await listed())[0]!.count.packets === 61)
  const { lost } = (await listed())[0]!.capture!
  child.kill('SIGCONT')
  await until('it catches up', () => readPackets('lossy.pcapng') === 61 - lost)
  await sendLong(1_400, 1)
  await until('it reads on', () => readPackets('lossy.pcapng') === 62 - lost)
  child.kill('SIGINT')
  assert.equal(await gone, 0, output.stderr)
  assert.ok(lost > 10, String(lost))
  assert.match(output.stderr, new RegExp(`captured ${62 - lost} packets, lost ${lost}\\n`))
  assert.match(output.stderr, /a larger --buffer/)
  const drops = tshark(file('lossy.pcapng'), '-Y', 'frame.drop_count', '-T', 'fields', '-e', 'frame.drop_count')
  assert.deepEqual(drops, [String(lost)])
})

test('seawall capture that was killed leaves a rule that copies nothing and that the agent clears away', async () => {
  const { child, gone } = shell('exec seawall capture udp.dstport == 19')
  await until('a capture is going on', async () => (await listed()).length === 1)
  child.kill('SIGKILL')
  await gone
  const agent = await world.up()
  const [rule] = await listed()
  assert.ok((rule?.expiresInMs ?? 0) <= 10_000)
  await agent.event('rules-expired')
  assert.deepEqual(await listed(), [])
  const run = await captured(['udp.dstport == 19', '--count', '1'], () => world.send(19, 1))
  assert.match(run.stdout, / drop no-chargen /)
  assert.match(
    agent.log.find(({ event }) => event === 'capture-began')!.message,
    /^capture:\d+: sample 1\/1 if udp\.dstport == 19$/,
  )
  await agent.end('SIGTERM')
})

test('seawall top --sample takes samples of its own, as long as it runs', async () => {
  const watching = world.json<{ frames: Frame[] }>('top --once --interval 2s --sample 1/1 --by source,port,size,ttl')
  await until('samples are taken', async () => (await listed()).length === 1)
  await world.send(19, 3)
  const [only] = (await watching).frames
  const found = Object.values(only!.by).map((estimates) => estimates.find(({ samples }) => samples >= 3))
  assert.deepEqual(
    found.map((one) => one?.key),
    ['10.77.0.0/24', 'udp/19', '0-63', '64'],
  )
  assert.deepEqual(await listed(), [])
})

test('seawall capture on a full disk fails, and leaves a file that can be read', async () => {
  const mounted = file('full')
  mkdirSync(mounted)
  command('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', mounted])
  try {
    const path = join(mounted, 'a.pcapng')
    const { code, stderr } = await captured(['udp.dstport == 20', '-w', path], async () => {
      await sendLong(3_000, 8)
    })
    assert.equal(code, exitCodes.failed, stderr)
    assert.match(
      stderr,
      /^error: Cannot write capture ".*a\.pcapng": ENOSPC; it can be read, with \d packets \(free some room, .*\)$/m,
    )
    const packets = readCapture(readFileSync(path)).length
    assert.equal(packets, Number(/with (\d) packets/.exec(stderr)![1]))
    assert.equal(tshark(path).length, packets)
    assert.ok(packets >= 3)
    assert.deepEqual(await listed(), [])
  } finally {
    command('umount', [mounted])
    rmSync(mounted, { recursive: true })
  }
})

test('seawall capture changes nothing if it cannot be: a file, an option, an expression', async () => {
  const { generation } = (await world.json<{ firewall: { generation: number } }>('status')).firewall
  writeFileSync(file('old.pcapng'), 'as it was')
  const cases: [string[], number, RegExp][] = [
    [['udp', '-w', '/nonexistent/a.pcapng'], exitCodes.failed, /"\/nonexistent\/a\.pcapng": ENOENT \(make the folder/],
    [['udp.dstprt == 1', '-w', file('old.pcapng')], exitCodes.usage, /did you mean "udp\.dstport"/],
    [['udp.dstprt == 1', '-w', file('new.pcapng')], exitCodes.usage, /did you mean "udp\.dstport"/],
    [['udp', '--verdict', 'maybe'], exitCodes.usage, /--verdict "maybe": wanted drop, pass or tx/],
    [['udp', '--snaplen', '0'], exitCodes.usage, /--snaplen "0": wanted a whole number from 1 to 65552/],
    [['udp', '--buffer', '5M'], exitCodes.usage, /a power of two from 64 KiB to 256 MiB/],
    [['udp', '--buffer', 'lots'], exitCodes.usage, /--buffer "lots": wanted a number of bytes/],
    [['udp', '--sample', '2/3'], exitCodes.usage, /--sample "2\/3": wanted a share of packets such as 1\/100/],
    [['udp', '-w', '-', '--json'], exitCodes.usage, /both go to standard output/],
  ]
  for (const [args, code, message] of cases) {
    const run = await world.run(['capture', ...args])
    assert.equal(run.code, code, run.stderr)
    assert.match(run.stdout + run.stderr, message)
  }
  assert.equal(readFileSync(file('old.pcapng'), 'utf8'), 'as it was')
  assert.ok(!existsSync(file('new.pcapng')))
  assert.equal((await world.json<{ firewall: { generation: number } }>('status')).firewall.generation, generation)
  assert.ok(statSync(file('old.pcapng')).isFile())
})
