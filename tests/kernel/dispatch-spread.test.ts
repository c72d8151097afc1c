import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { test } from 'node:test'
import { readBinding, type Spread } from '../../src/dispatch/index.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { DispatchWorld } from './dispatch-world.ts'

const PORT = 8080
const WORKERS = 4
const CLIENTS = 64

interface Service {
  readonly protocol: 'tcp' | 'udp'
  readonly family: 4 | 6
  /** Whether the workers' sockets are bound to the same, with SO_REUSEPORT. */
  readonly grouped: boolean
}

const ALL_SERVICES = (['tcp', 'udp'] as const).flatMap((protocol) =>
  ([4, 6] as const).flatMap((family) => [true, false].map((grouped): Service => ({ protocol, family, grouped }))),
)

/** Among those that are so, each pair of properties is there once. */
const isOfPairs = ({ protocol, family, grouped }: Service): boolean =>
  (protocol === 'tcp') === ((family === 4) === grouped)

/** Set SEAWALL_SPREADS=pairs for half of them. */
const SERVICES = process.env.SEAWALL_SPREADS === 'pairs' ? ALL_SERVICES.filter(isOfPairs) : ALL_SERVICES

const textOf = ({ protocol, family, grouped }: Service): string =>
  `${protocol} over IPv${family}, ${grouped ? 'with' : 'without'} SO_REUSEPORT`

const addressOf = ({ family }: Service): string => (family === 4 ? '192.0.2.7' : '2001:db8::7')

/** Where a worker's socket is; those by themselves have an address each, as replies by UDP come from the socket's port. */
function placeOf({ protocol, family, grouped }: Service, worker: number): string {
  if (grouped) return `member:${protocol}:${family === 4 ? '127.0.0.1' : '[::1]'}:${PORT}`
  return `${protocol}:${family === 4 ? `127.0.0.${worker + 1}` : `[2001:db8:0:1::${worker + 1}]`}:${PORT}`
}

async function startWorkers(world: DispatchWorld, service: Service, spread: Spread): Promise<ChildProcess[]> {
  const { protocol } = service
  await world.dispatch.bind([
    readBinding({ label: 'web', protocol, prefix: addressOf(service), port: `${PORT}`, spread }),
  ])
  const workers: ChildProcess[] = []
  for (let worker = 0; worker < WORKERS; worker++) {
    const child = await world.answer(`worker-${worker}`, placeOf(service, worker))
    await world.register('web', child)
    workers.push(child)
  }
  return workers
}

interface Report {
  readonly histories: readonly (readonly string[])[]
  readonly counts: Readonly<Record<string, number>>
}

/** Clients that go on asking from the same ports. */
class FlowClients implements Disposable {
  readonly #child: ChildProcess
  readonly #lines: Interface

  constructor(world: DispatchWorld, service: Service) {
    const script = new URL('../support/flow-clients.py', import.meta.url).pathname
    this.#child = world.start('python3', [script, service.protocol, addressOf(service), `${PORT}`, `${CLIENTS}`])
    this.#lines = createInterface(this.#child.stdout!)
  }

  /** What happened until now, and in one more round. */
  async report(): Promise<Report> {
    this.#child.stdin!.write('report\n')
    const [line] = await Promise.race([once(this.#lines, 'line'), once(this.#child, 'exit')])
    assert.equal(typeof line, 'string', `the clients have ended: ${line}`)
    return JSON.parse(line)
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const isEven = (counts: Report['counts']): boolean =>
  Math.max(...Object.values(counts)) <= 1.1 * Math.min(...Object.values(counts))

for (const service of SERVICES)
  test(`spread client: of 4 workers one is killed under traffic, and only its clients move: ${textOf(service)}`, async () => {
    await using world = new DispatchWorld()
    const [doomed] = await startWorkers(world, service, 'client')
    using clients = new FlowClients(world, service)
    const before = await clients.report()
    assert.equal(Object.keys(before.counts).length, WORKERS)
    await kill(doomed!)
    const after = await clients.report()
    const heirs = new Set<string>()
    for (const [index, history] of after.histories.entries()) {
      const [first] = before.histories[index]!
      assert.deepEqual(before.histories[index], [first])
      if (first !== 'worker-0') assert.deepEqual(history, [first])
      // What had come to it and was not answered goes with it.
      const answers = history.filter((answer) => answer !== 'refused' && answer !== 'nothing')
      if (first === 'worker-0') heirs.add(answers[1]!)
      assert.equal(answers.length, first === 'worker-0' ? 2 : 1)
      assert.ok(history.length - answers.length <= 1, history.join())
      assert.equal(history.at(-1), answers.at(-1))
    }
    assert.ok(heirs.size > 1, `all of its clients went to ${[...heirs]}`)
    assert.equal(world.dispatch.status().destinations[0]!.missing, 0)
  })

for (const service of SERVICES)
  test(`spread round-robin: each worker gets as many as the others, also when one is killed: ${textOf(service)}`, async () => {
    await using world = new DispatchWorld()
    const [doomed] = await startWorkers(world, service, 'round-robin')
    using clients = new FlowClients(world, service)
    const { counts } = await clients.report()
    assert.equal(Object.keys(counts).length, WORKERS)
    assert.ok(isEven(counts), JSON.stringify(counts))
    await kill(doomed!)
    await clients.report()
    const rest = await clients.report()
    assert.equal(Object.keys(rest.counts).length, WORKERS - 1)
    assert.ok(isEven(rest.counts), JSON.stringify(rest.counts))
  })

for (const service of SERVICES.filter(({ protocol }) => protocol === 'tcp'))
  test(`spread least-loaded: a worker that is stopped gets no second connection: ${textOf(service)}`, async () => {
    await using world = new DispatchWorld()
    const [stalled] = await startWorkers(world, service, 'least-loaded')
    stalled!.kill('SIGSTOP')
    const script = new URL('../support/patient-clients.py', import.meta.url).pathname
    const { stdout, stderr } = await world.run('python3', [script, addressOf(service), `${PORT}`, '60', '20'])
    stalled!.kill('SIGCONT')
    const answers: readonly (string | null)[] = JSON.parse(stdout || `"${stderr}"`)
    assert.equal(answers.length, 60)
    const countOf = (name: string | null): number => answers.filter((answer) => answer === name).length
    assert.ok(countOf(null) <= 1, `${countOf(null)} wait`)
    assert.equal(countOf('worker-0'), 0)
    const counts = Object.fromEntries([1, 2, 3].map((worker) => [worker, countOf(`worker-${worker}`)]))
    assert.ok(isEven(counts), JSON.stringify(counts))
  })

test('spread kernel: the kernel chooses among a group, also sockets that are not registered; spread client does not', async () => {
  await using world = new DispatchWorld()
  const service: Service = { protocol: 'tcp', family: 4, grouped: true }
  const names = async (spread: Spread): Promise<string[]> => {
    await world.dispatch.bind([
      readBinding({ label: 'web', protocol: 'tcp', prefix: addressOf(service), port: `${PORT}`, spread }),
    ])
    using clients = new FlowClients(world, service)
    return Object.keys((await clients.report()).counts).sort()
  }
  await world.register('web', await world.answer('known', placeOf(service, 0)))
  await world.answer('unknown', placeOf(service, 1))
  assert.deepEqual(await names('kernel'), ['known', 'unknown'])
  assert.deepEqual(await names('client'), ['known'])
  const [binding] = await world.dispatch.bindings()
  assert.equal(binding!.spread, 'client')
})

test('with SYN cookies each connection is answered, whose packets reach one socket or others of its group', async () => {
  for (const [spread, grouped] of [
    ['client', false],
    ['client', true],
    ['round-robin', true],
    ['least-loaded', true],
  ] as const) {
    await using world = new DispatchWorld()
    inNetns(world.netns, () => writeFileSync('/proc/sys/net/ipv4/tcp_syncookies', '2'))
    const service: Service = { protocol: 'tcp', family: 4, grouped }
    await startWorkers(world, service, spread)
    using clients = new FlowClients(world, service)
    const { counts } = await clients.report()
    assert.deepEqual(
      Object.keys(counts).filter((name) => !name.startsWith('worker-')),
      [],
      `${spread}: ${JSON.stringify(counts)}`,
    )
  }
})
