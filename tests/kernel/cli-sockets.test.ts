import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { removePins } from '../../src/entry/pins.ts'
import type { SocketAttachment } from '../../src/firewall/sockets/attachments.ts'
import { UdpProcess } from '../support/udp-process.ts'
import { CliWorld } from './cli-world.ts'

const PORT = 5353

let world: CliWorld
let server: UdpProcess

before(async () => {
  world = new CliWorld()
  server = await UdpProcess.start(world.edge, PORT)
})

after(async () => {
  await server.stop()
  removePins(`${world.pins}-sockets`)
  await world.remove()
})

test('seawall attach, sockets and detach: rules in front of the socket of a process, by its port', async () => {
  const attached = await world.run(['attach', 'mine: drop if udp', '--port', String(PORT)])
  assert.equal(attached.code, 0, attached.stderr)
  assert.match(attached.stdout, /attached {2}1 socket\nto undo: {2}seawall detach port-5353/)
  await world.send(PORT, 5)
  const [found] = await world.json<SocketAttachment[]>('sockets')
  assert.deepEqual(
    found?.counters.rules.map(({ id, packets }) => [id, packets]),
    [['mine', 5]],
  )
  const { stdout } = await world.run('sockets')
  assert.match(stdout, /port-5353 {2}passed 0, dropped 5/)
  assert.match(stdout, new RegExp(`udp \\[::\\]:5353, process ${server.pid}, descriptor \\d+`))
  assert.match((await world.run('detach port-5353')).stdout, /detached {2}1 socket/)
  assert.equal((await server.counts())[PORT], 0)
  assert.equal((await world.run('sockets')).stdout, 'no sockets have rules\n')
})

test('seawall attach refuses what it cannot use, by name, and changes nothing', async () => {
  for (const [line, code, message] of [
    [['attach', 'drop if udp', '--port', '1'], 2, /Cannot find a socket with ports 1/],
    [['attach', 'drop if udp', '--pid', '4194303'], 2, /Cannot find process 4194303/],
    [['attach', 'drop if udp'], 2, /wanted --pid, --unit or --port/],
    [['attach', '--port', String(PORT)], 2, /Cannot attach without rules/],
    [['attach', 'drop if udp', '--fd', '3'], 2, /Cannot use --fd without --pid/],
    [['attach', 'drop if udp', '--port', '9-5'], 2, /wanted the smaller port first/],
    [['attach', 'drop if udp', '--port', '53', '--protocol', 'sctp'], 2, /wanted udp or tcp/],
    [['attach', 'x: drop if vlan', '--port', String(PORT)], 2, /rule "x".*"vlan"/],
    [['attach', 'drop if udp.prt == 5', '--port', String(PORT)], 2, /udp.prt/],
    [['detach', 'nothing'], 2, /Cannot find "nothing"/],
  ] as const) {
    const run = await world.run(line)
    assert.equal(run.code, code, `${line.join(' ')}: ${run.stderr}`)
    assert.match(run.stderr, message)
  }
  assert.deepEqual(await world.json('sockets'), [])
})
