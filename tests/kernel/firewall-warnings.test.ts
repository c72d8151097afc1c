import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { Agent, type AgentEvent } from '../../src/agent/index.ts'
import { Firewall } from '../../src/firewall/index.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { Fixture } from './firewall-fixture.ts'

const fixture = new Fixture('warnings')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = () => new Firewall(fixture.paths)

test('Firewall.plan and Firewall.apply warn of rules and sets', async () => {
  const rules = [
    { id: 'all', drop: 'udp' },
    { id: 'some', drop: 'udp and ip.src in $used' },
  ]
  const empty = fixture.write('empty.txt', '# nothing yet\n')
  const config = await fixture.config(rules, { sets: { used: { file: empty }, spare: ['192.0.2.0/24'] } })
  const wanted = [
    'rule "some" can never match: "all" before it decides all that it matches',
    `set "used" (${empty}) is empty: it matches nothing`,
    'set "spare" is used by no rule',
  ]
  assert.deepEqual((await firewall().plan(config)).warnings, wanted)
  assert.deepEqual((await firewall().apply(config)).plan.warnings, wanted)
  assert.deepEqual((await firewall().apply(config)).plan.warnings, wanted)
  assert.deepEqual((await firewall().apply(await fixture.config(['drop if udp']))).plan.warnings, [])
})

test('Firewall.plan and Firewall.apply warn of interfaces', async () => {
  ipBatch(fixture.netns, ['link add idle0 type veth peer name idle1'])
  const config = await fixture.config([], { interfaces: ['sea0', 'idle0', 'lo'] })
  const down = 'interface "idle0" is down: nothing comes by it (ip link set idle0 up)'
  const generic = 'interface "lo": the driver refused native XDP: packets cost more'
  assert.deepEqual((await firewall().plan(config)).warnings, [down])
  assert.deepEqual((await firewall().apply(config)).plan.warnings, [down, generic])
  ipBatch(fixture.netns, ['link delete idle0'])
  const away = 'interface "idle0" is not there: it is attached when it comes back'
  assert.deepEqual((await firewall().plan(config)).warnings, [away, generic])
})

test('Agent logs the warnings of what it applies', async () => {
  const rules = ['drop if udp', { id: 'late', count: 'udp' }]
  const config = fixture.write('agent.json', JSON.stringify({ interfaces: ['sea0'], firewall: { rules } }))
  const events: AgentEvent[] = []
  const agent = await Agent.start({ config, paths: fixture.paths, log: (event) => events.push(event) })
  await agent.stop()
  assert.deepEqual(
    events.map(({ level, event }) => `${level} ${event}`),
    ['info applied', 'warn warning'],
  )
  assert.match(events[1]!.message, /^rule "late" can never match/)
})
