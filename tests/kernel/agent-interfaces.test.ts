import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type AgentEvent } from '../../src/agent/index.ts'
import { findInterface, ipBatch } from '../../src/linux/interface.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { loadReturning, XDP_PASS } from './bpf-programs.ts'
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
  return { agent, config, events, told }
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

test('Agent attaches what it can, and the rest as soon as another program has left it', async () => {
  add()
  const { agent, events, told } = await start()
  using stranger = await loadReturning('xdp', XDP_PASS)
  remove()
  add()
  const { ifindex } = findInterface(fixture.netns, 'wan0')
  const link = inNetns(fixture.netns, () => stranger.attachXdp({ ifindex, mode: 'native' }))
  await told('attach-failed')
  const note = `another XDP program (id ${stranger.id}) is attached`
  assert.deepEqual(await attached(agent), [both[0], { name: 'wan0', attached: false, note }])
  link.close()
  await told('interface-attached')
  assert.deepEqual(await attached(agent), both)
  assert.equal(events.filter(({ level }) => level === 'error').length, 1)
  remove()
})
