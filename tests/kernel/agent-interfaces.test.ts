import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type AgentEvent } from '../../src/agent/index.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { Fixture, udpPacket } from './firewall-fixture.ts'

const fixture = new Fixture('guard')
const running: Agent[] = []
afterEach(async () => {
  for (const agent of running.splice(0)) await agent.stop()
  await fixture.reset()
})
after(() => fixture.remove())

const add = (...lines: string[]) =>
  ipBatch(fixture.netns, ['link add wan0 type veth peer name wan1', ...lines, 'link set wan0 up', 'link set wan1 up'])
const remove = () => ipBatch(fixture.netns, ['link delete wan0'])

async function start() {
  const firewall = { rules: [{ id: 'one', drop: 'udp.dstport == 1' }] }
  const config = fixture.write('config.json', JSON.stringify({ interfaces: ['sea0', 'wan0'], firewall }))
  const events: AgentEvent[] = []
  const log = (event: AgentEvent) => events.push(event)
  const agent = await Agent.start({ config, paths: fixture.paths, watch: false, log })
  running.push(agent)
  const told = async (event: string, times = 1) => {
    const count = () => events.filter((one) => one.event === event && /"wan0"/.test(one.message)).length
    for (let tries = 0; tries < 1_200 && count() < times; tries++) await sleep(25)
    assert.equal(count(), times, `${event}: ${JSON.stringify(events)}`)
  }
  return { agent, config, told }
}

const attached = async (agent: Agent) =>
  (await agent.status()).firewall!.interfaces.map(({ name, attached, note }) => ({ name, attached, note }))
const both = ['sea0', 'wan0'].map((name) => ({ name, attached: true, note: undefined }))
const oneGone = [both[0], { name: 'wan0', attached: false, note: 'there is no such interface' }]

test('Agent attaches an interface that is deleted and made again, each time', async () => {
  add()
  const { agent, told } = await start()
  assert.deepEqual(await attached(agent), both)
  for (const round of [1, 2]) {
    remove()
    await told('interface-gone', round)
    assert.deepEqual(await attached(agent), oneGone)
    add()
    await told('interface-attached', round)
    assert.deepEqual(await attached(agent), both)
  }
  remove()
})

test('Agent attaches an interface that is replaced between two looks', async () => {
  add()
  const { agent, told } = await start()
  remove()
  add()
  await told('interface-attached')
  assert.deepEqual(await attached(agent), both)
  remove()
})

test('Agent changes rules while an interface that was protected is away, and refuses one that never was', async () => {
  add()
  const { agent, config, told } = await start()
  remove()
  await agent.drop('udp.dstport == 2', { id: 'two' })
  assert.equal(fixture.send(udpPacket(2)), 'drop')
  await agent.undo('two')
  fixture.write('config.json', JSON.stringify({ interfaces: ['sea0', 'wan0'], firewall: { rules: [] } }))
  assert.equal((await agent.apply()).changed, true)
  add()
  await told('interface-attached')
  assert.deepEqual(await attached(agent), both)
  remove()
  const other = fixture.write('other.json', JSON.stringify({ interfaces: ['sea0', 'wan9'], firewall: {} }))
  await assert.rejects(agent.apply({ config: other }), { code: 'SEAWALL_INTERFACE', message: /"wan9"/ })
  assert.equal((await agent.status()).agent?.config, config)
})
