import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Servers, startServers, ZONE } from '../../lab/demo/servers.ts'
import type { BackendHealth } from '../../src/balancer/health/health-checks.ts'
import { ProbePath } from '../../src/balancer/health/probe-path.ts'
import { surroundingsOf, type Target, targetsOf } from '../../src/balancer/health/target.ts'
import { formatDuration } from '../../src/entry/duration.ts'
import { Passage } from '../../src/generated/health.ts'
import { command } from '../../src/linux/command.ts'
import { listInterfaces } from '../../src/linux/interface.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { formatAddress } from '../../src/net/address.ts'
import { buildPacket, dns } from '../../src/net/build.ts'
import { attempt, type ProbeResult, probe } from '../../src/probes/index.ts'
import { desiredOf, Watching, WebServers } from './balancer-health-world.ts'
import { BalancerWorld, SERVICE4, SERVICE6 } from './balancer-world.ts'

const PORT = 8080
/** An emulated machine takes its time. */
const PACE = process.env.SEAWALL_EMULATED === undefined ? 1 : 10
const timing = { every: `${300 * PACE}ms`, timeout: `${250 * PACE}ms` }
const NO_ANSWER = `no answer within ${formatDuration(250 * PACE)}`
const check = { http: '/', ...timing, rise: 2, fall: 2 }

/** A service of each family. */
function servicesOf(encapsulation: string, more: object = {}): object[] {
  return [SERVICE4, SERVICE6].map((address, index) => {
    const id = index === 0 ? 'web4' : 'web6'
    return { id, address, port: PORT, protocol: 'tcp', encapsulation, check, ...more }
  })
}

/** Backends by their address of a family. */
function backendsOf(world: BalancerWorld, family: 4 | 6): object {
  const of = (edge: string) => (family === 4 ? `10.0.${edge.slice(4)}.2` : `fd00:0:0:${edge.slice(4)}::2`)
  return Object.fromEntries(world.edges.map((edge) => [edge, of(edge)]))
}

function ask(path: ProbePath, target: Target): Promise<ProbeResult | undefined> {
  const work = (signal: AbortSignal) =>
    probe(
      target.check.probe,
      surroundingsOf(target, null, () => path.approach(target, signal)),
      signal,
    )
  return attempt(work, { timeoutMs: 20_000 * PACE, stop: new AbortController().signal })
}

/** What the data plane of an edge counted as delivered because it was marked as the last hop. */
async function lastHops(world: BalancerWorld, edge: string): Promise<number> {
  return (await world.control(edge).status()).balancer!.outcomes['last-hop']!
}

for (const family of [4, 6] as const) {
  for (const encapsulation of ['gue', 'ipip']) {
    test(`ProbePath reaches just the backend that is meant by IPv${family} and ${encapsulation}, though all have the address`, async () => {
      using world = await BalancerWorld.build(3)
      const balancer = { backends: backendsOf(world, family), services: servicesOf(encapsulation) }
      await world.apply(balancer)
      const desired = await desiredOf(world, balancer)
      const web = new WebServers(world, PORT)
      // A backend that asks itself too, and a machine that only balances and does not have the addresses.
      for (const node of ['edge1', 'clients']) {
        const path = await ProbePath.open(world.paths(node), desired)
        try {
          for (const target of targetsOf(desired)) {
            const { name } = target.backend
            const seen = web.asked.length
            const hops = await lastHops(world, name)
            assert.deepEqual({ name, ...(await ask(path, target)), latencyMs: 0 }, { name, ok: true, latencyMs: 0 })
            const address = formatAddress(target.address)
            const host = `${address.includes(':') ? `[${address}]` : address}:${PORT}`
            const [asked, ...others] = web.asked.slice(seen)
            assert.deepEqual([asked?.edge, asked?.host, others], [name, host, []])
            assert.match(
              asked!.from,
              node === 'edge1' ? /^(10\.0\.1\.2|fd00:0:0:1::2)$/ : /^(203\.0\.113\.|2001:db8:c::)/,
            )
            const encapsulated = (await lastHops(world, name)) - hops
            assert.equal(encapsulated > 0, node !== name, `${encapsulated} packets came to ${name} as the last hop`)
          }
          assert.ok(path.passages(Passage.Sent) > 0 && path.passages(Passage.Answered) > 0)
          assert.equal(path.passages(Passage.NoRoom), 0)
        } finally {
          path.close()
        }
      }
    })
  }
}

test('HealthChecks ask real name servers and web servers', async () => {
  using world = await BalancerWorld.build(2)
  const often = { ...timing, rise: 1, fall: 2 }
  const question = buildPacket(dns({ id: 7, questions: [{ name: `www-1.${ZONE}` }] }))
  const answer = Buffer.concat([question.subarray(0, 2), Uint8Array.of(0x85)]).toString('latin1')
  const udp = { udp: Buffer.from(question).toString('latin1'), expect: answer, ...often }
  const services = [
    { id: 'dns4', address: SERVICE4, port: 53, protocol: ['tcp', 'udp'], check: { dns: `www-1.${ZONE}`, ...often } },
    { id: 'dns6', address: SERVICE6, port: 53, protocol: 'udp', check: udp },
    {
      id: 'web4',
      address: SERVICE4,
      port: 80,
      protocol: 'tcp',
      encapsulation: 'ipip',
      check: { http: '/', ...often },
    },
    { id: 'web6', address: SERVICE6, port: 80, protocol: 'tcp', check: { tcp: true, ...often } },
  ]
  const backends = world.backends()
  await world.apply({ backends, services })
  const folder = mkdtempSync(join(tmpdir(), 'seawall-health-'))
  world.onClose(() => rmSync(folder, { recursive: true }))
  const startOn = (edge: string) => startServers({ netns: world.netns(edge), cpu: 0, directory: join(folder, edge) })
  const servers = new Map<string, Servers>()
  for (const edge of world.edges) servers.set(edge, await startOn(edge))
  // ICMP errors are not limited, so that each check hears of one.
  for (const limit of ['net.ipv4.icmp_ratelimit', 'net.ipv6.icmp.ratelimit'])
    writeSysctl(world.netns('edge2'), limit, '0')
  const watching = new Watching(world, 'edge1')
  try {
    await watching.checks.start(await desiredOf(world, { backends, services }))
    await untilAll(watching, 'up')
    await servers.get('edge2')!.stop()
    await until(watching, ({ backend, state }) => (state === 'down') === (backend === 'edge2'))
    assert.deepEqual(watching.checks.dead(), [['edge2']])
    const failed = watching.checks.state().filter(({ backend }) => backend === 'edge2')
    assert.deepEqual(Object.fromEntries(failed.map((one) => [one.service, one.lastFailure?.reason])), {
      dns4: 'connection refused',
      dns6: 'connection refused',
      web4: 'connection refused',
      web6: 'connection refused',
    })
    servers.set('edge2', await startOn('edge2'))
    await untilAll(watching, 'up')
    assert.deepEqual(watching.checks.dead(), [[]])
  } finally {
    await watching.checks.stop()
    for (const each of servers.values()) await each.stop()
  }
})

describe('HealthChecks', () => {
  let world: BalancerWorld
  let web: WebServers
  const services = servicesOf('gue')

  before(async () => {
    world = await BalancerWorld.build(3)
    await world.apply({ backends: world.backends(), services })
    web = new WebServers(world, PORT)
  })
  after(() => world.close())

  const begin = async (watching: Watching, balancer: object = {}) => {
    const desired = await desiredOf(world, { backends: world.backends(), services, ...balancer })
    await watching.checks.start(desired)
  }

  test('take a backend out when its server stops, and bring it back when it answers again', async () => {
    const watching = new Watching(world, 'edge1')
    await begin(watching)
    try {
      assert.deepEqual(watching.checks.dead(), [[]])
      await untilAll(watching, 'up')
      web.stop('edge2')
      await watching.untilChanges(1)
      const down = watching.checks.state().filter(({ state }) => state === 'down')
      assert.ok(down.length > 0 && down.every(({ backend }) => backend === 'edge2'))
      assert.equal(down[0]!.lastFailure!.reason, 'connection refused')
      assert.ok(down[0]!.failures >= check.fall)
      web.start('edge2')
      await watching.untilChanges(2)
      assert.deepEqual(watching.changes, [[['edge2']], [[]]])
      assert.equal(watching.of('edge2', 'web4').state, 'up')
      assert.equal(watching.of('edge2', 'web6').state, 'up')
    } finally {
      await watching.checks.stop()
    }
  })

  test('take out a server that is too slow, also this machine itself', async () => {
    const watching = new Watching(world, 'edge1')
    await begin(watching)
    try {
      for (const edge of ['edge1', 'edge3']) {
        const changes = watching.changes.length
        web.silent.add(edge)
        await watching.untilChanges(changes + 1)
        assert.deepEqual(watching.checks.dead(), [[edge]])
        const down = watching.checks.state().find(({ state }) => state === 'down')
        assert.deepEqual([down?.backend, down?.lastFailure?.reason], [edge, NO_ANSWER])
        web.silent.delete(edge)
        await watching.untilChanges(changes + 2)
      }
    } finally {
      await watching.checks.stop()
    }
  })

  test('take nobody out by a check that all backends fail', async () => {
    const watching = new Watching(world, 'edge1')
    for (const edge of world.edges) web.stop(edge)
    try {
      await begin(watching)
      await untilAll(watching, 'down')
      assert.deepEqual(watching.checks.dead(), [[]])
    } finally {
      await watching.checks.stop()
      for (const edge of world.edges) web.start(edge)
    }
  })

  test('go on with what they know when the configuration changes, and with what others know of the dead', async () => {
    const watching = new Watching(world, 'edge1')
    web.stop('edge2')
    try {
      await begin(watching)
      await watching.untilChanges(1)
      await begin(watching, { services: servicesOf('ipip') })
      assert.deepEqual(watching.checks.dead(), [['edge2']])
      const next = new Watching(world, 'edge3')
      const desired = await desiredOf(world, { backends: world.backends(), services })
      await next.checks.start(desired, watching.checks.dead())
      await next.checks.stop()
      assert.deepEqual([next.checks.dead(), next.changes], [[['edge2']], []])
    } finally {
      await watching.checks.stop()
      web.start('edge2')
    }
  })

  test('say that a backend cannot be reached, and why', async () => {
    const watching = new Watching(world, 'edge1')
    const far = { ...(world.backends() as Record<string, unknown>), far: '10.99.0.1' }
    inNetns(world.netns('edge1'), () => command('ip', ['route', 'add', 'unreachable', '10.99.0.0/24']))
    try {
      await begin(watching, { backends: far })
      await watching.untilChanges(1)
      assert.deepEqual(watching.checks.dead(), [['far']])
      assert.equal(watching.of('far').lastFailure!.reason, 'no route to 10.99.0.1')
    } finally {
      await watching.checks.stop()
    }
  })

  test('leave nothing behind in the network of the machine, and change none of its parameters', async () => {
    const before = networkOf(world)
    const watching = new Watching(world, 'edge1')
    await begin(watching)
    await untilAll(watching, 'up')
    assert.deepEqual(parametersOf(world), before.parameters)
    assert.ok(namesOf(world).includes('seawall-probe'))
    await watching.checks.stop()
    assert.deepEqual(networkOf(world), before)
  })

  test('leave nothing behind when the process is killed', async () => {
    const path = world.config({ backends: world.backends(), services })
    const child = start(
      process.execPath,
      ['--import', 'tsx', 'tests/support/checking.ts', world.netns('edge1'), path],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout!, 'data')
    assert.ok(namesOf(world).includes('seawall-probe'))
    child.kill('SIGKILL')
    await once(child, 'exit')
    // The kernel removes the namespace, and with it the cable, some time after its last user.
    for (let tries = 0; namesOf(world).includes('seawall-probe'); tries++) {
      assert.ok(tries < 200, 'the gate is still there')
      await sleep(50)
    }
  })
})

/** Returns when all checks of all backends have come to a state. */
const untilAll = (watching: Watching, wanted: string): Promise<void> => until(watching, ({ state }) => state === wanted)

/** Returns when something holds for all checks of all backends. */
async function until({ checks }: Watching, holds: (one: BackendHealth) => boolean): Promise<void> {
  for (let tries = 0; !checks.state().every(holds); tries++) {
    assert.ok(tries < 1_000 * PACE, `after a long time: ${JSON.stringify(checks.state(), null, 1)}`)
    await sleep(20)
  }
}

const namesOf = (world: BalancerWorld): string[] => listInterfaces(world.netns('edge1')).map(({ name }) => name)

function networkOf(world: BalancerWorld) {
  const show = (program: string, ...args: string[]) => inNetns(world.netns('edge1'), () => command(program, args))
  return {
    interfaces: namesOf(world),
    qdiscs: show('tc', 'qdisc', 'show'),
    rules: show('ip', 'rule', 'show') + show('ip', '-6', 'rule', 'show'),
    routes: show('ip', 'route', 'show', 'table', 'all'),
    parameters: parametersOf(world),
  }
}

function parametersOf(world: BalancerWorld): string {
  const of = ['all', 'default', 'eth0', 'lo'].flatMap((name) =>
    ['accept_local', 'rp_filter', 'forwarding', 'arp_ignore'].map((each) => `net.ipv4.conf.${name}.${each}`),
  )
  return inNetns(world.netns('edge1'), () => command('sysctl', of))
}
