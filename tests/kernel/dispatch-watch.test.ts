import assert from 'node:assert/strict'
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../src/linux/command.ts'
import { AgentWorld } from './dispatch-agent-world.ts'

const PORT = 8080

/** Python as the kernel names it, behind whatever stands in for it. */
const PYTHON = realpathSync(command('python3', ['-c', 'import sys; print(sys.executable)']).trim())

test('the agent gives the sockets of a watched program to its label, whenever it starts', async () => {
  await using world = new AgentWorld()
  const first = await world.answer('first', `tcp:127.0.0.1:${PORT}`, 'tcp:127.0.0.1:8081')
  await world.up({ bind: ['tcp 192.0.2.0/24 any'], process: { exe: PYTHON }, port: PORT })
  await world.sockets(1)
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'first')
  await world.stop(first)
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  await world.answer('second', `tcp:127.0.0.1:${PORT}`)
  await world.sockets(1)
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'second')
  const registered = world.events.filter(({ event }) => event === 'socket-registered')
  assert.match(registered.at(-1)!.message, /^web: tcp over IPv4 goes to 127.0.0.1 port 8080 of process \d+$/)
  assert.equal(registered.length, 2)
})

/** Listens, passes its socket under a label, prints the answer, and answers whoever connects. */
const PASSER = `
import socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 8085))
if sys.argv[3] == 'listen': listener.listen()
agent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
agent.connect(sys.argv[1])
socket.send_fds(agent, [sys.argv[2].encode()], [listener.fileno()])
print(agent.recv(512).decode(), flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(b'passed')
    connection.close()
`

test('the agent registers sockets that a program passes by its Unix socket, and says why it does not', async () => {
  await using world = new AgentWorld()
  await world.up({ bind: ['tcp 192.0.2.0/24 any'] })
  const pass = async (label: string, how: string) => {
    const child = world.start('python3', ['-c', PASSER, join(world.paths.run, 'register.sock'), label, how])
    const [answer] = (await once(child.stdout!, 'data')) as [Buffer]
    return { child, answer: String(answer) }
  }
  const { child, answer } = await pass('web#', 'listen')
  assert.equal(answer, 'OK\n')
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'passed')
  await world.stop(child)
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  assert.match(
    (await pass('web', 'no')).answer,
    /^ERR Cannot register descriptor \d+ of process \d+: it does not listen/,
  )
})

test('the agent leaves sockets of other programs and of other protocols alone', async () => {
  await using world = new AgentWorld()
  await world.answer('other', `tcp:127.0.0.1:${PORT}`, `udp:127.0.0.1:${PORT}`)
  await world.up({ bind: ['tcp 192.0.2.0/24 any'], process: { exe: '/usr/sbin/nginx' }, port: PORT })
  await sleep(2_500)
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  assert.deepEqual(
    world.dispatch.status().destinations.map(({ protocol, sockets }) => [protocol, sockets.length]),
    [['tcp', 0]],
  )
})
