import assert from 'node:assert/strict'
import { existsSync, lstatSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient } from '../../src/agent/api/index.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import type { Explanation, Explanations } from '../../src/cli/explain/explain.ts'
import type { Frame } from '../../src/cli/top/frame.ts'
import {
  type ApplyResult,
  type CountersReport,
  type FirewallStatus,
  type RuleStatus,
  takeLock,
} from '../../src/firewall/index.ts'
import { ip } from '../../src/linux/interface.ts'
import { buildPacket, ethernet, ipv4, udp } from '../../src/net/build.ts'
import { writePcap } from '../../src/net/pcap.ts'
import { type AgentProcess, CliWorld } from './cli-world.ts'

interface StatusDocument {
  readonly running: boolean
  readonly agent?: { readonly pid: number; readonly adopted: boolean }
  readonly firewall?: FirewallStatus
  readonly counters?: CountersReport
}

const rules = [
  { id: 'office', pass: 'ip.src in $office' },
  { id: 'junk', drop: 'udp.dstport == 4242' },
  { id: 'seen', sample: 'udp.dstport == 53', every: '1/1' },
]
const firewall = { sets: { office: ['192.0.2.0/24'] }, rules }
const metrics = { metrics: { listen: '127.0.0.1:0' } }

let world: CliWorld
let agent: AgentProcess

before(() => {
  world = new CliWorld()
  world.configure(firewall, metrics)
})
after(() => world.remove())

const status = () => world.json<StatusDocument>('status')
const count = async (id: string) =>
  (await world.json<RuleStatus[]>('rules')).find((rule) => rule.id === id)?.count.packets
const frame = (dstport: number, src = '10.77.0.2') =>
  buildPacket(ethernet(), ipv4({ src, dst: '10.77.0.1' }), udp({ srcport: 4000, dstport }), 'seawall')
const hex = (packet: Uint8Array) => Buffer.from(packet).toString('hex')

/** Waits until something holds: the kernel counts a moment after `sendto` has returned. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return
    await sleep(50)
  }
  assert.fail(`it never came about that ${what}`)
}

test('seawall status, rules and drop say that nothing is in force', async () => {
  const run = await world.run('status')
  assert.equal(run.code, exitCodes.notUp)
  assert.match(run.stdout, /^Nothing is in force/)
  assert.equal((await world.run('rules')).code, exitCodes.notUp)
  assert.equal((await world.run('drop udp')).code, exitCodes.notUp)
})

test('seawall plan shows a first configuration', async () => {
  const { code, stdout } = await world.run('plan')
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^\+ rule junk/m)
  assert.match(stdout, /^\+ interface sea0/m)
})

test('seawall apply fails as a whole, with exit code 2, for an interface that does not exist', async () => {
  writeFileSync(join(world.folder, 'nowhere.json'), JSON.stringify({ interfaces: ['nowhere0'], firewall }))
  const run = await world.run('apply --config nowhere.json')
  assert.equal(run.code, exitCodes.usage, run.stderr)
  assert.match(run.stderr, /nowhere0/)
  assert.equal((await world.run('status')).code, exitCodes.notUp)
})

test('seawall up applies the configuration and serves a socket that only root can open', async () => {
  agent = await world.up()
  const found = await status()
  assert.equal(found.running, true)
  assert.equal(found.agent?.pid, agent.child.pid)
  assert.equal(found.agent?.adopted, false)
  assert.deepEqual(
    found.firewall?.interfaces.map(({ name, attached }) => ({ name, attached })),
    [{ name: 'sea0', attached: true }],
  )
  assert.match(found.firewall!.program.tag, /^[0-9a-f]{16}$/)
  assert.equal(statSync(join(world.folder, 'run/seawall.sock')).mode & 0o777, 0o600)
})

test('a second seawall up is refused', async () => {
  const run = await world.run('up')
  assert.equal(run.code, exitCodes.refused, run.stderr)
  assert.match(run.stderr, new RegExp(String(agent.child.pid)))
})

test('seawall rules counts packets from the wire', async () => {
  const received = async () => (await status()).firewall!.interfaces[0]!.received!.packets
  const before = await received()
  await world.send(4242, 5)
  await until('5 packets are counted', async () => (await count('junk')) === 5)
  assert.ok((await received()) >= before + 5)
})

test('the metrics have the same counts, on TCP and on the socket, and they add up', async () => {
  const line = /^seawall_firewall_rule_packets_total\{rule="junk",action="drop"\} 5$/m
  const client = new ApiClient(join(world.folder, 'run/seawall.sock'))
  const text = await client.metrics()
  assert.match(text, line)
  const address = agent.log.find((one) => one.event === 'metrics')!.message.replace('Metrics at ', '')
  assert.match(await (await fetch(address)).text(), line)
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  const verdict = (name: string) => value(`seawall_firewall_packets_total\\{verdict="${name}"\\}`)
  assert.equal(verdict('pass') + verdict('drop'), value('seawall_firewall_received_packets_total'))
  assert.ok(verdict('drop') >= 5)
})

test('seawall drop takes effect at once, is in explain, and seawall undo takes it back', async () => {
  const dropped = await world.run('drop udp.dstport == 5555 --for 10m --id now')
  assert.equal(dropped.code, 0, dropped.stderr)
  await world.send(5555, 3)
  await until('3 packets are counted', async () => (await count('now')) === 3)
  const explained = await world.json<{ packets: Explanation[] }>(`explain ${hex(frame(5555))}`)
  assert.equal(explained.packets[0]!.kernel?.decidedBy, 'now')
  assert.equal(explained.packets[0]!.agreement, 'same')
  assert.equal((await world.run('drop udp.dstport == 5556 --id now')).code, exitCodes.usage)
  const undone = await world.json<RuleStatus>('undo now')
  assert.equal(undone.count.packets, 3)
  assert.equal((await world.run('undo now')).code, exitCodes.usage)
})

test('seawall explain changes nothing, and evaluator and kernel agree', async () => {
  const before_ = (await status()).counters!.rules
  for (const [packet, by] of [
    [frame(4242), 'junk'],
    [frame(53), 'default'],
    [frame(4242, '192.0.2.9'), 'office'],
    [frame(53).subarray(0, 20), 'malformed:ip_truncated'],
  ] as const) {
    const { packets, program } = await world.json<Explanations>(`explain ${hex(packet)}`)
    assert.equal(program?.live, true)
    assert.equal(packets[0]!.evaluator.decidedBy, by)
    assert.deepEqual([packets[0]!.kernel?.decidedBy, packets[0]!.agreement], [by, 'same'])
  }
  assert.deepEqual((await status()).counters!.rules, before_)
})

test('seawall add and remove change a set in force, which explain sees', async () => {
  const decided = async () =>
    (await world.json<{ packets: Explanation[] }>(`explain ${hex(frame(4242, '203.0.113.7'))}`)).packets[0]!
  assert.equal((await decided()).kernel?.decidedBy, 'junk')
  assert.equal((await world.json<{ changed: boolean }>('add office 203.0.113.0/24')).changed, true)
  assert.equal((await world.json<{ changed: boolean }>('add office 203.0.113.0/24')).changed, false)
  assert.deepEqual([(await decided()).kernel?.decidedBy, (await decided()).agreement], ['office', 'same'])
  assert.match((await world.run('remove office 203.0.113.0/24')).stdout, /^removed/)
  assert.equal((await decided()).kernel?.decidedBy, 'junk')
  assert.equal((await world.run('add none 203.0.113.0/24')).code, exitCodes.usage)
})

test('seawall replay sends a capture through evaluator and kernel', async () => {
  const packets = Array.from({ length: 60 }, (_, index) => frame(index % 3 === 0 ? 4242 : 53))
  const file = join(world.folder, 'replay.pcap')
  writeFileSync(file, writePcap(packets.map((bytes) => ({ timestamp: 0n, bytes, length: bytes.length, linkType: 1 }))))
  const run = await world.run('replay replay.pcap')
  assert.equal(run.code, 0, run.stdout + run.stderr)
  assert.match(run.stdout, /^junk +drop +20 +33.3% +20$/m)
  assert.match(run.stdout, /evaluator and kernel agree/)
})

test('seawall top shows rates, and estimates from the samples of rules', async () => {
  const watching = world.json<{ frames: Frame[] }>('top --count 1 --interval 1s')
  await sleep(200)
  await world.send(53, 4)
  const [only] = (await watching).frames
  assert.deepEqual(
    Object.values(only!.by).map(([first]) => `${first?.key} ${first?.samples}`),
    ['10.77.0.0/24 4', '10.77.0.1 4', 'udp/53 4'],
  )
  assert.ok(only!.received.packets > 0)
})

test('seawall up reloads when the configuration changes, and keeps what is in force when it is wrong', async () => {
  const { generation } = (await status()).firewall!
  world.configure({ ...firewall, rules: [...rules, { id: 'later', drop: 'udp.dstport == 7' }] }, metrics)
  await until('the rule is in force', async () => (await count('later')) === 0)
  const seen = agent.log.length
  world.configure({ ...firewall, rules: [{ id: 'wrong', drop: 'udp.dstprt == 7' }] })
  assert.match((await agent.event('apply-failed', seen)).message, /udp.dstprt/)
  assert.equal(await count('later'), 0)
  assert.ok((await status()).firewall!.generation > generation)
  assert.match(
    await new ApiClient(join(world.folder, 'run/seawall.sock')).metrics(),
    /^seawall_agent_apply_failures_total 1$/m,
  )
  const again = agent.log.length
  world.configure(firewall, metrics)
  await agent.event('applied', again)
  agent.child.kill('SIGHUP')
  await agent.event('applied', agent.log.length)
})

test('seawall apply --confirm rolls back by itself, unless seawall confirm comes in time', async () => {
  const next = join(world.folder, 'next.json')
  writeFileSync(
    next,
    JSON.stringify({ interfaces: ['sea0'], firewall: { rules: [{ id: 'all', drop: 'udp' }] }, ...metrics }),
  )
  const applied = await world.json<ApplyResult>('apply --config next.json --confirm 1s')
  assert.ok(applied.pending!.dueInMs <= 1_000)
  assert.equal(await count('all'), 0)
  await until('it is rolled back', async () => (await count('junk')) === 5)
  assert.equal((await world.run('confirm')).code, exitCodes.refused)
  await world.run('apply --config next.json --confirm 60s')
  assert.match((await world.run('status')).stdout, /rolls back in/)
  assert.equal((await world.run('confirm')).code, 0)
  assert.equal((await status()).firewall!.pending, undefined)
  assert.equal((await world.run('rollback')).code, 0)
  assert.equal(await count('junk'), 5)
})

test('kill -9 of the agent leaves packets filtered and counted', async () => {
  assert.equal(await agent.end('SIGKILL'), 'SIGKILL')
  await world.send(4242, 2)
  await until('7 packets are counted', async () => (await count('junk')) === 7)
  const found = await status()
  assert.equal(found.running, false)
  assert.equal(found.agent, undefined)
  assert.equal(found.firewall!.interfaces[0]!.attached, true)
})

test('without an agent seawall drop, explain and undo work on the kernel itself', async () => {
  assert.equal((await world.run('drop udp.dstport == 6666 --id direct')).code, 0)
  const { packets } = await world.json<{ packets: Explanation[] }>(`explain ${hex(frame(6666))}`)
  assert.deepEqual([packets[0]!.kernel?.decidedBy, packets[0]!.agreement], ['direct', 'same'])
  assert.equal((await world.run('undo direct')).code, 0)
})

test('without an agent seawall apply --confirm keeps the time itself', async () => {
  const late = await world.run('apply --config next.json --confirm 500ms')
  assert.equal(late.code, exitCodes.failed, late.stderr)
  assert.match(late.stdout, /^rolled back/m)
  assert.equal(await count('junk'), 7)
  const waiting = world.run('apply --config next.json --confirm 60s')
  await until('it waits for confirmation', async () => (await status()).firewall?.pending !== undefined)
  assert.equal((await world.run('confirm')).code, 0)
  const confirmed = await waiting
  assert.equal(confirmed.code, 0, confirmed.stderr)
  assert.match(confirmed.stdout, /^confirmed/m)
  const stop = new AbortController()
  const interrupted = world.run('apply --confirm 60s', { signal: stop.signal })
  await until('it waits for confirmation', async () => (await status()).firewall?.pending !== undefined)
  stop.abort()
  assert.equal((await interrupted).code, exitCodes.interrupted)
  assert.equal(await count('all'), 0)
  assert.equal((await world.run('apply')).code, 0)
})

test('a second writer is refused and told who has the lock', async () => {
  const lock = await takeLock(world.env.SEAWALL_RUN, 'lock')
  try {
    const run = await world.run('drop udp.dstport == 1')
    assert.equal(run.code, exitCodes.refused, run.stderr)
    assert.match(run.stderr, new RegExp(String(process.pid)))
    assert.equal((await world.run('status')).code, 0)
  } finally {
    lock.release()
  }
})

test('seawall up adopts what an agent before it left, and ends at SIGTERM without touching it', async () => {
  agent = await world.up()
  assert.ok(agent.log.some((line) => line.event === 'adopted'))
  assert.equal((await status()).agent?.adopted, true)
  assert.equal(await agent.end('SIGTERM'), 0)
  assert.match(agent.log.at(-1)!.message, /stays as it is/)
  assert.equal(existsSync(join(world.folder, 'run/seawall.sock')), false)
  assert.equal((await status()).firewall!.interfaces[0]!.attached, true)
})

test('commands find an agent whose socket the configuration puts elsewhere, also after it was killed', async () => {
  const socket = join(world.folder, 'elsewhere.sock')
  const link = join(world.folder, 'run/seawall.sock')
  world.configure(firewall, { ...metrics, api: { socket } })
  const first = await world.up()
  assert.equal((await status()).agent?.pid, first.child.pid)
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  await first.end('SIGKILL')
  assert.equal((await status()).running, false)
  world.configure(firewall, metrics)
  const second = await world.up()
  assert.equal((await status()).agent?.pid, second.child.pid)
  assert.equal(lstatSync(link).isSocket(), true)
  await second.end('SIGTERM')
})

test('seawall doctor finds nothing that is in the way here', async () => {
  const { code, stdout } = await world.run('doctor')
  assert.equal(code, 0, stdout)
  assert.match(stdout, /interface\.sea0\.driver +veth/)
  assert.match(stdout, /state +generation \d+ is in force/)
})

test('seawall down through an agent removes everything and ends the agent', async () => {
  agent = await world.up()
  const gone = new Promise((resolve) => agent.child.once('exit', resolve))
  assert.equal((await world.run('down')).code, 0)
  await gone
  assert.equal(agent.child.exitCode, 0)
  assert.equal((await world.run('status')).code, exitCodes.notUp)
  assert.equal(existsSync(join(world.pins, 'entry')), false)
  assert.doesNotMatch(ip(world.edge, ['-details', 'link', 'show', 'sea0']), /xdp/)
})

test('seawall down is fine with nothing there', async () => {
  assert.equal((await world.run('down')).code, 0)
})
