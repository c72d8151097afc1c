import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { BindingStatus, DestinationStatus } from '../../src/dispatch/index.ts'
import { removePins } from '../../src/entry/pins.ts'
import { descriptorOf } from '../../src/linux/node-sockets.ts'
import { ended, start } from '../../src/linux/process.ts'
import { tcpServerIn, udpSocketIn } from '../support/sockets.ts'
import { UdpProcess } from '../support/udp-process.ts'
import { CliWorld } from './cli-world.ts'

const PORT = 5353
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const NODE_ARGS = process.execArgv.filter((one) => !one.startsWith('--test'))

let world: CliWorld
let server: UdpProcess

before(async () => {
  world = new CliWorld()
  server = await UdpProcess.start(world.edge, PORT, PORT + 1)
})

after(async () => {
  await server.stop()
  removePins(`${world.pins}-dispatch`)
  await world.remove()
})

test('seawall bind, register-pid, bindings and destinations: datagrams to any port reach the socket of a process', async () => {
  assert.equal((await world.run('bindings')).code, 6)
  const bound = await world.run('bind dns udp 10.77.0.0/24 7000-7999')
  assert.match(bound.stdout, /^bound {2}1 binding added, 0 removed; 1 in force\n/)
  assert.match((await world.run('bind dns udp 10.77.0.0/24 7000-7999')).stdout, /^unchanged/)
  const registered = await world.run(`register-pid ${server.pid} dns udp :: ${PORT}`)
  assert.equal(registered.code, 0, registered.stderr)
  assert.match(registered.stdout, new RegExp(`registered {2}udp over IPv4: \\[::\\]:${PORT} of process ${server.pid}`))
  await world.send(7_042, 5)
  assert.equal((await server.counts())[PORT], 5)
  const [binding] = await world.json<BindingStatus[]>('bindings')
  assert.deepEqual(
    { ...binding },
    {
      label: 'dns',
      protocol: 'udp',
      prefix: '10.77.0.0/24',
      port: '7000-7999',
      missing: 'drop',
      spread: 'client',
      flows: 'none',
      idle: '2m',
      dynamic: true,
      count: 5,
    },
  )
  const [ipv4, ipv6] = await world.json<DestinationStatus[]>('destinations dns')
  assert.deepEqual([ipv4!.family, ipv4!.dispatched, ipv4!.sockets.length, ipv6!.family], [4, 5, 1, 6])
  assert.match((await world.run('bindings udp 10.77.0.0/16 7042')).stdout, /dns +udp +10.77.0.0\/24 +7000-7999 +5/)
  assert.match((await world.run('bindings tcp')).stdout, /^0 bindings\n/)
  assert.match((await world.run('destinations')).stdout, /dns +udp +IPv4 +1 +5 +\[::\]:5353 of process/)
  assert.match((await world.run('unregister dns ipv6')).stdout, /unregistered {2}1 socket/)
  assert.match(
    (await world.run('unbind dns udp 10.77.0.0/24 7000-7999')).stdout,
    /0 bindings added, 1 removed; 0 in force/,
  )
  await world.send(7_042, 2)
  assert.equal((await server.counts())[PORT], 5)
})

test("seawall load puts a file of tubular's into force in the place of what commands made, and unload removes all", async () => {
  await world.run('bind old tcp 192.0.2.0/24 80')
  const document = {
    bindings: [
      { label: 'new', prefix: '192.0.2.9/24', port: 443 },
      { label: 'any', prefix: '::1', port: 0 },
    ],
  }
  writeFileSync(join(world.folder, 'bindings.json'), JSON.stringify(document))
  assert.match((await world.run('load bindings.json')).stdout, /4 bindings added, 1 removed; 4 in force/)
  const bindings = await world.json<BindingStatus[]>('bindings')
  assert.deepEqual(
    bindings.map(({ label, protocol, prefix, port }) => `${label} ${protocol} ${prefix} ${port}`),
    ['any tcp ::1/128 any', 'any udp ::1/128 any', 'new tcp 192.0.2.0/24 443', 'new udp 192.0.2.0/24 443'],
  )
  assert.match((await world.run('unload')).stdout, /^unloaded/)
  assert.match((await world.run('unload')).stdout, /^nothing was loaded/)
  assert.equal((await world.run('destinations')).code, 6)
  assert.match((await world.run('load')).stdout, /^loaded/)
})

test('seawall bind, load and register-pid refuse what they cannot use, by name, and change nothing', async () => {
  for (const [name, text] of [
    ['junk.json', '{'],
    ['unknown.json', '{"bindings": [{"label": "a", "prefix": "::1", "port": 1, "weight": 2}]}'],
    ['portless.json', '{"bindings": [{"label": "a", "prefix": "::1"}]}'],
    [
      'twice.json',
      '{"bindings": [{"label": "a", "prefix": "::1", "port": 1}, {"label": "b", "prefix": "::1", "port": 1}]}',
    ],
    [
      'prefix.json',
      '{"bindings": [{"label": "a", "prefix": "::1", "port": 1}, {"label": "a", "prefix": "here", "port": 1}]}',
    ],
    ['none.pid', 'nobody\n'],
  ] as const)
    writeFileSync(join(world.folder, name), text)
  for (const [line, message] of [
    ['bind web sctp 192.0.2.0/24 80', /protocol "sctp": wanted tcp or udp/],
    ['bind web tcp 192.0.2.1/24 80', /\(write 192.0.2.0\/24\)/],
    ['bind web tcp 192.0.2.0/24 http', /Cannot read ports "http"/],
    ['bind web tcp 192.0.2.0/24', /missing required argument "port"/],
    ['bind web tcp 192.0.2.0/24 80 --spread random', /Cannot use spread "random": wanted one of client, round-robin/],
    ['bind web udp 192.0.2.0/24 80 --spread least-loaded', /wanted client, round-robin or kernel for udp/],
    ['bind web tcp 192.0.2.0/24 80 --missing block', /Cannot use missing "block": wanted drop or pass/],
    ['unbind web tcp 192.0.2.0/24 80', /there is no such binding/],
    ['bindings icmp', /protocol "icmp"/],
    ['load none.json', /Cannot read "none.json": ENOENT/],
    ['load junk.json', /it is no JSON/],
    ['load unknown.json', /bindings.0: .*weight/],
    ['load portless.json', /bindings.0.port/],
    ['load twice.json', /it is bound twice/],
    ['load prefix.json', /bindings.1: Cannot read prefix "here"/],
    ['register', /LISTEN_FDS is not set/],
    ['register-pid 4194303 web', /Cannot find process 4194303/],
    ['register-pid none.pid web', /process id of "none.pid" "nobody"/],
    ['register-pid gone.pid web', /Cannot read "gone.pid": ENOENT/],
    [`register-pid ${server.pid} web tcp`, /Cannot find a socket of process \d+ with tcp/],
    [`register-pid ${server.pid} web udp 10.0.0.1`, /with udp, 10.0.0.1/],
    ['unregister web ipv5', /Cannot read domain "ipv5"/],
  ] as const) {
    const run = await world.run(line)
    assert.equal(run.code, 2, `${line}: ${run.stderr}${run.stdout}`)
    assert.match(run.stderr, message)
  }
  assert.deepEqual(await world.json('bindings'), [])
})

test('seawall register takes sockets that are passed as systemd does, each for the label of its name', async () => {
  const [web, dns] = [tcpServerIn(world.edge, 0), udpSocketIn(world.edge, 0)]
  const run = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    ended(
      start(process.execPath, [...NODE_ARGS, MAIN, 'register', ...args], {
        env: { ...process.env, ...world.env, ...env, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe', descriptorOf(web), descriptorOf(dns)],
      }),
    )
  try {
    const named = await run({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:dns' })
    assert.equal(named.code, 0, named.stderr)
    assert.match(
      named.stdout,
      /registered {2}tcp over IPv4: \[::\]:\d+\n(.|\n)*not bound {2}no binding names "web" yet/,
    )
    const destinations = await world.json<DestinationStatus[]>('destinations')
    assert.deepEqual(
      destinations.map(({ label, protocol, family, sockets }) => [label, protocol, family, sockets.length]),
      [
        ['dns', 'udp', 4, 1],
        ['dns', 'udp', 6, 1],
        ['web', 'tcp', 4, 1],
        ['web', 'tcp', 6, 1],
      ],
    )
    assert.match((await run({ LISTEN_FDS: '1' }, 'other')).stdout, /registered {2}tcp/)
    assert.match((await run({ LISTEN_FDS: '2' })).stderr, /Cannot register descriptor 3: it has no name/)
    assert.match((await run({ LISTEN_FDS: '1', LISTEN_PID: '1' }, 'web')).stderr, /LISTEN_PID is 1, wanted \d+/)
  } finally {
    web.close()
    dns.close()
  }
})
