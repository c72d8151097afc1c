import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Lab } from '../../lab/lab.ts'
import { ownPrefix, sweepLeftovers } from '../../lab/owner.ts'
import { pointOfPresence, SERVICE4, SERVICE6 } from '../../lab/point-of-presence.ts'
import { command } from '../../src/linux/command.ts'
import { ip, listInterfaces } from '../../src/linux/interface.ts'
import { listNetns } from '../../src/linux/netns.ts'
import { ended, start, stop } from '../../src/linux/process.ts'

const own = () => listNetns().filter((name) => name.startsWith(ownPrefix()))
const buildAndPrint = `
  import { Lab } from './lab/lab.ts'
  import { pointOfPresence } from './lab/point-of-presence.ts'
  import { start } from './src/linux/process.ts'
  const lab = Lab.build(pointOfPresence({ edges: 1 }))
  start('sleep', ['60'], { netns: lab.netns('edge1') })
  console.log(lab.netns('edge1'))
  setInterval(() => {}, 1000)`

/** A lab in a process of its own, and the namespace of its edge. */
async function labProcess() {
  const child = start(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', buildAndPrint])
  const [line] = await new Promise<string[]>((resolve, reject) => {
    child.stdout?.once('data', (text: Buffer) => resolve(text.toString().split('\n')))
    child.once('exit', (code) => reject(new Error(`lab process ended with ${code}`)))
  })
  return { child, netns: line! }
}

test('Lab.build() connects clients to every edge over IPv4 and IPv6, and close() removes all', async () => {
  const lab = Lab.build(pointOfPresence({ edges: 2, origins: 1 }))
  try {
    assert.equal(own().length, 6)
    const servers = ['edge1', 'edge2'].map((edge) =>
      start(
        process.execPath,
        ['-e', `require('http').createServer((q, r) => r.end('${edge}')).listen(80, '::', () => console.log('up'))`],
        { netns: lab.netns(edge) },
      ),
    )
    await Promise.all(servers.map((server) => new Promise((resolve) => server.stdout?.once('data', resolve))))
    const fetched = await Promise.all(
      Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? SERVICE4 : `[${SERVICE6}]`)).map((host) =>
        ended(start('curl', ['-sS', '--max-time', '5', `http://${host}/`], { netns: lab.netns('clients') })),
      ),
    )
    const answers = new Set(fetched.map((one) => one.stdout))
    assert.deepEqual([...answers].sort(), ['edge1', 'edge2'])
    await Promise.all(servers.map((server) => stop(server)))
  } finally {
    lab.close()
  }
  assert.deepEqual(own(), [])
})

test('Lab.build() makes interfaces that send nothing by themselves but a few multicast reports', async () => {
  const lab = Lab.build(pointOfPresence())
  try {
    await new Promise((resolve) => setTimeout(resolve, 500))
    for (const { name, counters } of listInterfaces(lab.netns('router'))) {
      assert.ok(counters.txPackets <= 4, `${name} sent ${counters.txPackets}`)
      assert.ok(counters.rxPackets <= 4, `${name} received ${counters.rxPackets}`)
    }
  } finally {
    lab.close()
  }
})

test('Lab.build() removes what it made when a later step fails', () => {
  const topology = pointOfPresence()
  const broken = { ...topology, nodes: topology.nodes.map((n) => ({ ...n, routes: [{ to: 'nowhere', via: [] }] })) }
  assert.throws(() => Lab.build(broken), { code: 'COMMAND_FAILED' })
  assert.deepEqual(own(), [])
})

test('Lab.netns() names the nodes there are', () => {
  const lab = Lab.build({ nodes: [{ name: 'alone' }], links: [] })
  try {
    assert.throws(() => lab.netns('edge9'), /"edge9".*alone/)
  } finally {
    lab.close()
  }
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`Lab is removed when its process gets ${signal}`, async () => {
    const { child, netns } = await labProcess()
    child.removeAllListeners('exit')
    child.kill(signal)
    const { code } = await ended(child)
    assert.equal(code, signal === 'SIGINT' ? 130 : 143)
    assert.equal(listNetns().includes(netns), false)
  })
}

test('sweepLeftovers() removes namespaces and directories of a killed run, and nobody else’s', async () => {
  const mine = Lab.build({ nodes: [{ name: 'mine' }], links: [] })
  const { child, netns } = await labProcess()
  const prefix = netns.slice(0, netns.indexOf('edge1'))
  const directory = mkdtempSync(join(tmpdir(), prefix))
  try {
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    await ended(child)
    assert.ok(listNetns().includes(netns))
    const removed = sweepLeftovers()
    assert.ok(removed.includes(netns))
    assert.ok(removed.includes(directory))
    assert.equal(listNetns().includes(netns), false)
    assert.ok(listNetns().includes(mine.netns('mine')))
  } finally {
    mine.close()
  }
})

test('Lab routes answers to spoofed addresses to the botnet, where they vanish', () => {
  const lab = Lab.build(pointOfPresence())
  try {
    assert.match(ip(lab.netns('router'), ['route', 'get', '8.8.8.8']), /dev botnet/)
    assert.match(command('ip', ['-n', lab.netns('botnet'), 'route', 'show', 'default']), /blackhole/)
  } finally {
    lab.close()
  }
})
