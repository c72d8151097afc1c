import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Binding, readBinding } from '../../src/dispatch/index.ts'
import { LiveDispatch } from '../../src/dispatch/live.ts'
import { dispatchFolder } from '../../src/dispatch/pins.ts'
import { listFolder } from '../../src/entry/pins.ts'
import { DispatchWorld } from './dispatch-world.ts'

const PROBER = fileURLToPath(new URL('../support/prober.py', import.meta.url))
const PORT = 5301

/** Set SEAWALL_PROBES for fewer. */
const PROBES = Number(process.env.SEAWALL_PROBES ?? 1_000_000)

/** Each of 256 addresses by itself, at each of 7 ports, and some that nobody asks for. */
const everyAddress = (label: string): Binding[] =>
  Array.from({ length: 256 * 8 }, (_, index) =>
    readBinding({ label, protocol: 'udp', prefix: `192.0.2.${index % 256}`, port: String(1 + (index >> 8)) }),
  )

test('who looks sees the old bindings or the new ones, never a mixture, and is never without', async () => {
  await using world = new DispatchWorld()
  const prober = await world.serve('python3', [PROBER, String(PORT), String(PROBES)])
  await world.dispatch.registerProcess('a', { pid: prober.pid!, port: PORT })
  await world.dispatch.registerProcess('b', { pid: prober.pid!, port: PORT + 1 })
  await world.dispatch.replaceDynamic(everyAddress('a'))
  const answer = once(prober.stdout!, 'data')
  prober.stdin!.write('go\n')
  let swaps = 0
  let done = false
  void answer.then(() => {
    done = true
  })
  while (!done) await world.dispatch.replaceDynamic(everyAddress(swaps++ % 2 === 0 ? 'b' : 'a'))
  const [text] = (await answer) as [Buffer]
  const { changes, lost = 0, a = 0, b = 0 } = JSON.parse(String(text)) as Record<string, number>
  assert.deepEqual([lost, a + b], [0, PROBES])
  assert.ok(a > 0 && b > 0 && swaps > 10, `${swaps} swaps, a ${a}, b ${b}`)
  assert.ok(changes! <= swaps, `the answer changed ${changes} times in ${swaps} swaps`)
  const counted = await world.dispatch.bindings()
  assert.ok(counted.reduce((sum, { count }) => sum + count, 0) <= PROBES)
  const { destinations } = world.dispatch.status()
  assert.equal(
    destinations.reduce((sum, { dispatched }) => sum + dispatched, 0),
    PROBES,
  )
})

test('a binding goes on counting when so many others come that there is no room for their counters', async () => {
  await using world = new DispatchWorld()
  await world.register('a', await world.answer('a', 'tcp:127.0.0.1:8001'))
  await world.bind('a tcp 192.0.2.1 80')
  const count = async () => (await world.dispatch.bindings()).find(({ prefix }) => prefix === '192.0.2.1/32')!.count
  await world.ask('tcp', '192.0.2.1', 80)
  for (const many of [1_500, 3_000]) {
    const others = Array.from({ length: many }, (_, index) =>
      readBinding({ label: 'b', protocol: 'tcp', prefix: '198.51.100.1', port: String(1 + index) }),
    )
    await world.dispatch.bind(others)
    await world.ask('tcp', '192.0.2.1', 80)
  }
  assert.equal(await count(), 3)
  await world.bind('c tcp 192.0.2.1 80')
  await world.bind('a tcp 192.0.2.1 80')
  assert.equal(await count(), 0)
})

/** A process that changes bindings, and ends without a word at a step of the change. */
async function dieAt(world: DispatchWorld, step: string, line: string): Promise<void> {
  const [label, protocol, prefix, port] = line.split(' ')
  const module = (name: string) => JSON.stringify(fileURLToPath(new URL(`../../src/dispatch/${name}`, import.meta.url)))
  const source = `
    import { Dispatch, readBinding } from ${module('index.ts')}
    const step = (name) => { if (name === ${JSON.stringify(step)}) process.kill(process.pid, 'SIGKILL') }
    const dispatch = new Dispatch(${JSON.stringify(world.paths)}, { step })
    await dispatch.bind([readBinding(${JSON.stringify({ label, protocol, prefix, port })})])`
  const args = process.execArgv.filter((one) => !one.startsWith('--test'))
  const child = spawn(process.execPath, [...args, '--input-type=module', '--eval', source], { stdio: 'inherit' })
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL', `there is no step "${step}"`)
}

/** Folders that are not finished, or that nothing has any more. */
const leftovers = (world: DispatchWorld): string[] => {
  const folder = dispatchFolder(world.paths)
  const states = listFolder(folder)
  return [...states, ...states.flatMap((name) => listFolder(`${folder}/${name}`))].filter((name) =>
    name.startsWith('tmp-'),
  )
}

test('a writer that is killed leaves the old bindings or the new ones, and the next one clears up', async () => {
  await using world = new DispatchWorld()
  await world.register('old', await world.answer('old', 'tcp:127.0.0.1:8001'))
  await world.register('new', await world.answer('new', 'tcp:127.0.0.1:8002'))
  for (const [step, answer] of [
    ['built', 'old'],
    ['enrolled', 'old'],
    ['published', 'old'],
    ['swapped', 'new'],
  ] as const) {
    await world.bind('old tcp 192.0.2.1 80')
    await dieAt(world, step, 'new tcp 192.0.2.1 80')
    assert.equal(await world.ask('tcp', '192.0.2.1', 80), answer, step)
    await world.bind(`${step} tcp 192.0.2.9 80`)
    assert.equal(await world.ask('tcp', '192.0.2.1', 80), answer, step)
    assert.deepEqual(leftovers(world), [], step)
    using live = LiveDispatch.require(world.paths)
    assert.deepEqual(
      listFolder(live.state).filter((name) => name.startsWith('set-')),
      [`set-${live.set}`],
      step,
    )
  }
})

test('the first writer that is killed leaves nothing, and nothing attached for long', async () => {
  await using world = new DispatchWorld()
  for (const step of ['built', 'attached']) {
    await dieAt(world, step, 'a tcp 192.0.2.1 80')
    assert.equal(world.dispatch.isLoaded(), false)
    await world.dispatch.load()
    assert.deepEqual(leftovers(world), [])
    await world.dispatch.unload()
  }
  await dieAt(world, 'swapped', 'a tcp 192.0.2.1 80')
  assert.equal(world.dispatch.status().bindings, 1)
})

test('writers that come at once wait for each other, and none of their changes is lost', async () => {
  await using world = new DispatchWorld()
  await Promise.all(Array.from({ length: 12 }, (_, index) => world.bind(`label-${index} tcp 192.0.2.${index} 80`)))
  const bindings = await world.dispatch.bindings()
  assert.equal(new Set(bindings.map(({ label }) => label)).size, 12)
})
