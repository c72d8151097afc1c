import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agent, type AgentEvent, LocalControl } from '../../src/agent/index.ts'
import { Fixture, udpPacket } from './firewall-fixture.ts'

const fixture = new Fixture('agent')
const running: Agent[] = []
afterEach(async () => {
  for (const agent of running.splice(0)) await agent.stop()
  await fixture.reset()
})
after(() => fixture.remove())

const configOf = (rules: readonly unknown[], sets: object = {}, interfaces: readonly string[] = ['sea0']) =>
  JSON.stringify({ interfaces, firewall: { sets, rules } })

const write = (rules: readonly unknown[], sets: object = {}) => fixture.write('config.json', configOf(rules, sets))

/** Starts an agent that ends with the test; its events are kept. */
async function start(config: string, options: { watch?: boolean } = {}) {
  const events: AgentEvent[] = []
  const agent = await Agent.start({ config, paths: fixture.paths, log: (event) => events.push(event), ...options })
  running.push(agent)
  return { agent, events, names: () => events.map((one) => one.event) }
}

/** Waits until something is true; the test fails if it never is. */
async function until(what: string, test: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    if (test()) return
    await sleep(25)
  }
  assert.fail(`never happened: ${what}`)
}

/** An agent in a process of its own. Resolves once it is ready. */
async function startProcess(config: string) {
  const source = `
    import { Agent } from ${JSON.stringify(fileURLToPath(new URL('../../src/agent/index.ts', import.meta.url)))}
    const agent = await Agent.start(${JSON.stringify({ config, paths: fixture.paths })})
    process.send?.({ adopted: agent.adopted })
    process.on('message', async ({ confirmWithinMs }) => process.send(await agent.apply({ confirmWithinMs })))
    setInterval(() => {}, 1e6)`
  const args = process.execArgv.filter((one) => !one.startsWith('--test'))
  const child = spawn(process.execPath, [...args, '--input-type=module', '--eval', source], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return child
}

async function kill(child: ReturnType<typeof spawn>): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const one = { id: 'one', drop: 'udp.dstport == 1' }
const two = { id: 'two', drop: 'udp.dstport == 2' }

describe('Agent', () => {
  test('applies its configuration, and leaves it in force when it stops', async () => {
    const { agent, names } = await start(write([one]))
    assert.equal(agent.adopted, false)
    assert.deepEqual(names(), ['applied'])
    assert.equal(fixture.send(udpPacket(1)), 'drop')
    await agent.stop()
    assert.equal(fixture.send(udpPacket(1)), 'drop')
    assert.equal((await new LocalControl({ paths: fixture.paths }).status()).firewall?.generation, 1)
  })

  test('killed with -9 loses no packet and no counter; the next adopts what is there', async () => {
    const config = write([one])
    const child = await startProcess(config)
    fixture.send(udpPacket(1), 3)
    await kill(child)
    fixture.send(udpPacket(1), 4)
    const { agent, names } = await start(config)
    assert.equal(agent.adopted, true)
    assert.deepEqual(names(), ['adopted'])
    fixture.send(udpPacket(1), 5)
    const report = await agent.counters()
    assert.equal(report.rules.one?.packets, 12)
    assert.equal(report.received.packets, 12)
    assert.equal((await agent.status()).firewall?.generation, 1)
  })

  test('brings what it adopts up to date with a configuration that changed meanwhile', async () => {
    await (await start(write([one]))).agent.stop()
    const { agent, events } = await start(write([one, two]))
    assert.equal(agent.adopted, true)
    assert.match(events[0]!.message, /brought up to date/)
    assert.equal(fixture.send(udpPacket(2)), 'drop')
  })

  test('adopts also when the configuration asks for what cannot be, and says so', async () => {
    await (await start(write([one]))).agent.stop()
    const { agent, events } = await start(fixture.write('config.json', configOf([two], {}, ['eth99'])))
    assert.equal(agent.adopted, true)
    assert.deepEqual(
      events.map(({ level, event }) => `${level} ${event}`),
      ['error apply-failed'],
    )
    assert.match(events[0]!.message, /"eth99"/)
    assert.equal(fixture.send(udpPacket(1)), 'drop')
  })

  test('is alone: a second one names the process of the first', async () => {
    const config = write([one])
    await start(config)
    await assert.rejects(start(config), {
      code: 'SEAWALL_LOCKED',
      message: new RegExp(`process ${process.pid} is the agent`),
    })
  })

  test('refuses a configuration with mistakes, and changes nothing', async () => {
    await assert.rejects(start(write(['drop if udp.dstprt == 1'])), { code: 'SEAWALL_CONFIG' })
    assert.deepEqual(fixture.pins(), [])
  })
})

describe('Agent that watches', () => {
  test('applies a configuration that changes, also one that is moved into place', async () => {
    const { agent } = await start(write([one]))
    write([two])
    await until('the written configuration is in force', () => fixture.send(udpPacket(2)) === 'drop')
    renameSync(fixture.write('other.json', configOf([one])), join(fixture.folder, 'config.json'))
    await until('the moved configuration is in force', () => fixture.send(udpPacket(2)) === 'pass')
    assert.equal(agent.loaded.desired.rules[0]!.id, 'one')
  })

  test('keeps the old rules when the new configuration has mistakes, and says where', async () => {
    const { events, names } = await start(write([one]))
    fixture.write('config.json', configOf([one]).replace('dstport', 'dstprt'))
    await until('the failure is told', () => names().includes('apply-failed'))
    assert.match(events.at(-1)!.message, /config\.json:1:\d+: firewall\.rules\[0\]\.drop/)
    assert.equal(fixture.send(udpPacket(1)), 'drop')
    write([two])
    await until('the corrected configuration is in force', () => fixture.send(udpPacket(2)) === 'drop')
  })

  test('reloads a set when its file changes, and keeps what can be rolled back to', async () => {
    const file = fixture.write('bad.txt', '192.0.2.0/24\n')
    await (await start(write([one]))).agent.stop()
    const { agent } = await start(write(['drop if ip.src in $bad'], { bad: { file } }))
    assert.equal(fixture.send(udpPacket(9, '203.0.113.1')), 'pass')
    fixture.write('bad.txt', '192.0.2.0/24\n203.0.113.0/24 # and these\n')
    await until('the set is reloaded', () => fixture.send(udpPacket(9, '203.0.113.1')) === 'drop')
    assert.deepEqual(await agent.contains('bad', ['203.0.113.9', '8.8.8.8']), [true, false])
    await agent.rollback()
    assert.equal(fixture.send(udpPacket(1)), 'drop')
    assert.equal(fixture.send(udpPacket(9, '203.0.113.1')), 'pass')
  })

  test('can be told not to', async () => {
    await start(write([one]), { watch: false })
    write([two])
    await sleep(600)
    assert.equal(fixture.send(udpPacket(2)), 'pass')
  })
})

describe('Agent.apply with a time to confirm it in', () => {
  test('rolls back by itself', async () => {
    const { agent, names } = await start(write([one]), { watch: false })
    write([two])
    const { pending } = await agent.apply({ confirmWithinMs: 3_000 })
    assert.ok(pending!.dueInMs <= 3_000)
    assert.equal(fixture.send(udpPacket(2)), 'drop')
    await until('it is rolled back', () => names().includes('rolled-back'))
    assert.equal(fixture.send(udpPacket(2)), 'pass')
    assert.equal(fixture.send(udpPacket(1)), 'drop')
    assert.equal((await agent.status()).firewall?.pending, undefined)
  })

  test('stays when it is confirmed', async () => {
    const { agent, names } = await start(write([one]), { watch: false })
    write([two])
    await agent.apply({ confirmWithinMs: 3_000 })
    await agent.confirm()
    await sleep(3_200)
    assert.equal(fixture.send(udpPacket(2)), 'drop')
    assert.ok(!names().includes('rolled-back'))
  })

  test('is rolled back by the next agent, if the one that waited is dead and the time is over', async () => {
    const config = write([one])
    const child = await startProcess(config)
    write([two])
    child.send({ confirmWithinMs: 500 })
    await once(child, 'message')
    await kill(child)
    await sleep(600)
    assert.equal(fixture.send(udpPacket(2)), 'drop')
    write([one])
    const { names } = await start(config)
    assert.equal(names()[0], 'rolled-back')
    assert.equal(fixture.send(udpPacket(2)), 'pass')
  })

  test('is waited for by the next agent, which touches nothing until it is over', async () => {
    const config = write([one])
    const child = await startProcess(config)
    write([two])
    child.send({ confirmWithinMs: 8_000 })
    await once(child, 'message')
    await kill(child)
    const { agent, names } = await start(config, { watch: false })
    assert.ok((await agent.status()).firewall!.pending!.dueInMs > 0)
    assert.equal(fixture.send(udpPacket(2)), 'drop')
    await until('it is rolled back', () => names().includes('rolled-back'))
    assert.equal(fixture.send(udpPacket(1)), 'drop')
  })
})

describe('Agent.drop', () => {
  test('is cleared away when its time is over', async () => {
    const { agent, names } = await start(write([one]))
    const rule = await agent.drop('udp.dstport == 7', { forMs: 3_000 })
    assert.equal(fixture.send(udpPacket(7)), 'drop')
    await until('the rule is gone', () => names().includes('rules-expired'))
    assert.equal(fixture.send(udpPacket(7)), 'pass')
    assert.ok(!(await agent.rules()).some((other) => other.id === rule.id))
    assert.equal((await agent.counters()).verdicts.drop.packets, 1)
  })

  test('ends in time although the agent is dead', async () => {
    const config = write([one])
    const child = await startProcess(config)
    await new LocalControl({ paths: fixture.paths, waitMs: 5_000 }).drop('udp.dstport == 7', { forMs: 5_000 })
    await kill(child)
    assert.equal(fixture.send(udpPacket(7)), 'drop')
    await until('it is over', () => fixture.send(udpPacket(7)) === 'pass')
  })
})

test('LocalControl does without an agent what an agent does', async () => {
  const local = new LocalControl({ config: write([one], { bad: ['192.0.2.0/24'] }), paths: fixture.paths })
  assert.deepEqual(await local.status(), { running: false })
  assert.equal((await local.plan()).fresh, true)
  await local.apply()
  assert.equal((await local.addToSet('bad', '203.0.113.0/24')).changed, true)
  assert.equal((await local.deleteFromSet('bad', '192.0.2.0/24')).changed, true)
  assert.deepEqual(await local.contains('bad', ['192.0.2.1', '203.0.113.1']), [false, true])
  const { id } = await local.drop('tcp')
  assert.deepEqual(
    (await local.rules()).map((rule) => rule.id),
    [id, 'one'],
  )
  await local.undo(id)
  assert.equal((await local.sets())[0]!.prefixes, 1)
  assert.equal((await local.probe([udpPacket(1)])).probes[0]!.decidedBy, 'one')
  await local.down()
  assert.deepEqual(await local.status(), { running: false })
})
