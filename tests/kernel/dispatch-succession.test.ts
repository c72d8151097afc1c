import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { realpathSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { command } from '../../src/linux/command.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { AgentWorld } from './dispatch-agent-world.ts'

const PORT = 8080
const bind = ['tcp 192.0.2.0/24 any', 'tcp 2001:db8::/48 any']
const MEMBER = new URL('../support/label-member.ts', import.meta.url).pathname
const SERVER = new URL('../support/restarted.py', import.meta.url).pathname

/** Python as the kernel names it, behind whatever stands in for it. */
const EXE = realpathSync(command('python3', ['-c', 'import sys; print(sys.executable)']).trim())

/** A run of a server, and what it has printed. */
class Run {
  readonly child: ChildProcess
  readonly #world: AgentWorld
  #said = ''

  constructor(world: AgentWorld, child: ChildProcess) {
    this.#world = world
    this.child = child
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
  }

  /** What it has printed since it was ready. */
  get said(): string[] {
    return this.#said.split('\n').slice(1, -1)
  }

  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`)
  }

  hears(...lines: readonly string[]): Promise<void> {
    return this.#world.until(`${lines} to be said, not ${this.said}`, () => this.said.join() === lines.join())
  }
}

/** A world in which runs of a server follow each other. */
class RunWorld extends AgentWorld {
  begin(name: string, ...places: readonly string[]): Run {
    const env = { ...process.env, NOTIFY_SOCKET: join(this.paths.run, 'notify.sock') }
    return new Run(this, this.start('python3', [SERVER, name, ...places], env))
  }

  watch(generations: object): Promise<void> {
    return this.up({ bind, process: { exe: EXE }, port: PORT, generations })
  }

  are(states: string): Promise<void> {
    return this.until(states, () => this.states() === states)
  }

  /** A connection, and who has greeted it. */
  async greeted(host = '192.0.2.9'): Promise<{ readonly socket: Socket; readonly name: string }> {
    const socket = await this.connect(host, 80)
    const name = await new Promise<string>((resolve, reject) => {
      socket.once('data', (data) => resolve(String(data))).on('error', reject)
    })
    return { socket, name }
  }
}

test('a run is promoted when it listens, and the one before is told once, also by another agent', async () => {
  await using world = new RunWorld()
  const first = world.begin('first', `127.0.0.1:${PORT}`)
  await world.watch({ drain: 'SIGQUIT' })
  await world.are('1 works')
  const { socket, name } = await world.greeted()
  assert.equal(name, 'first')
  const second = world.begin('second', `127.0.0.2:${PORT}`)
  await world.are('1 drains, 2 works')
  await first.hears('SIGQUIT')
  assert.equal((await world.greeted()).name, 'second')
  await world.stopAgent()
  await world.upAgain()
  const third = world.begin('third', `127.0.0.3:${PORT}`)
  await world.are('1 drains, 2 drains, 3 works')
  await second.hears('SIGQUIT')
  assert.deepEqual([first.said, third.said], [['SIGQUIT'], []])
  assert.equal(socket.readyState, 'open')
  assert.match(
    world.said('generation-drain')[0]!,
    /^web: generation 1 gets nothing new any more: SIGQUIT to process \d+$/,
  )
})

test('what an agent could not see to is seen to by the next one', async () => {
  await using world = new RunWorld()
  const first = world.begin('first', `127.0.0.1:${PORT}`)
  await world.watch({ drain: 'SIGQUIT' })
  await world.are('1 works')
  await world.stopAgent()
  const second = world.begin('second', `127.0.0.2:${PORT}`)
  await world.until('second', () => second.child.stdout!.readableFlowing === true)
  assert.equal((await world.greeted()).name, 'first')
  await world.upAgain()
  await world.are('1 drains, 2 works')
  await first.hears('SIGQUIT')
})

test('a run works at once when nobody else does', async () => {
  await using world = new RunWorld()
  const first = world.begin('first', `127.0.0.1:${PORT}`)
  await world.watch({ ready: 'notify' })
  await world.are('1 works')
  await world.stop(first.child)
  world.begin('second', `127.0.0.1:${PORT}`)
  await world.are('2 works')
  assert.equal((await world.greeted()).name, 'second')
})

test('a run with ready: notify waits for its own READY=1', async () => {
  await using world = new RunWorld()
  world.begin('first', `127.0.0.1:${PORT}`)
  await world.watch({ ready: 'notify' })
  await world.are('1 works')
  const second = world.begin('second', `127.0.0.2:${PORT}`)
  await world.until('a reason', () => world.said('generation-waits').length > 0)
  assert.match(world.said('generation-waits')[0]!, /generation 2 of process \d+ waits: it has not said READY=1$/)
  // Somebody else has no say in it.
  const stranger = world.begin('stranger', '127.0.0.9:9')
  stranger.tell('notify')
  stranger.tell('listen 127.0.0.9:10')
  await world.until('the stranger', () => isListening(world, 10))
  assert.equal(world.states(), '1 works, 2 waits')
  second.tell('notify')
  await world.are('1 drains, 2 works')
})

test('a run waits for a probe of its own socket, and for a command that is told whom it is about', async () => {
  await using world = new RunWorld()
  const ready = join(world.paths.run, 'ready')
  world.begin('first', `127.0.0.1:${PORT}`)
  const script = `[ "$SEAWALL_LABEL $SEAWALL_GENERATION $SEAWALL_ADDRESS" = "web 2 127.0.0.2:${PORT}" ] && cat ${ready}`
  await world.watch({ ready: { command: ['sh', '-c', script] } })
  await world.are('1 works')
  world.begin('second', `127.0.0.2:${PORT}`)
  await world.until('a failure', () => world.said('generation-waits').some((text) => /exit code 1: cat: /.test(text)))
  assert.equal(world.states(), '1 works, 2 waits')
  writeFileSync(ready, '')
  await world.are('1 drains, 2 works')
})

test('a run that lacks sockets of a kind waits until it has them', async () => {
  await using world = new RunWorld()
  world.begin('first', `127.0.0.1:${PORT}`, `[::1]:${PORT}`)
  await world.watch({})
  await world.are('1 works')
  assert.equal((await world.greeted('2001:db8::9')).name, 'first')
  const second = world.begin('second', `127.0.0.2:${PORT}`)
  await world.until('a reason', () =>
    world.said('generation-waits').some((text) => /no socket for tcp over IPv6/.test(text)),
  )
  second.tell(`listen [2001:db8::2]:${PORT}`)
  await world.are('1 drains, 2 works')
  assert.equal((await world.greeted('2001:db8::9')).name, 'second')
})

test('the stop signal comes when the last connection has ended, and at the limit in any case', async () => {
  await using world = new RunWorld()
  const first = world.begin('first', `127.0.0.1:${PORT}`)
  await world.watch({ drain: 'SIGUSR1', stop: 'SIGTERM', limit: '4s' })
  await world.are('1 works')
  const { socket } = await world.greeted()
  const second = world.begin('second', `127.0.0.2:${PORT}`)
  await first.hears('SIGUSR1')
  socket.destroy()
  await first.hears('SIGUSR1', 'SIGTERM')
  await world.are('2 works')
  const held = await world.greeted()
  const before = performance.now()
  world.begin('third', `127.0.0.3:${PORT}`)
  await second.hears('SIGUSR1', 'SIGTERM')
  assert.ok(performance.now() - before >= 4_000)
  held.socket.destroy()
})

test('of two runs that drain each gets its stop signal when its own connections have ended', async () => {
  await using world = new RunWorld()
  world.begin('first', `127.0.0.1:${PORT}`)
  await world.watch({ stop: 'SIGTERM' })
  await world.are('1 works')
  const first = await world.greeted()
  const second = world.begin('second', `127.0.0.2:${PORT}`)
  await world.are('1 drains, 2 works')
  const held = await world.greeted()
  world.begin('third', `127.0.0.3:${PORT}`)
  await world.are('1 drains, 2 drains, 3 works')
  held.socket.destroy()
  await second.hears('SIGTERM')
  await world.are('1 drains, 3 works')
  first.socket.destroy()
})

test('a program that passes its sockets says READY=1 by its connection, and is told to drain by it', async () => {
  await using world = new RunWorld()
  await world.up({ bind, generations: { ready: 'notify' } })
  const register = join(world.paths.run, 'register.sock')
  const first = world.begin('first', '127.0.0.1:81')
  first.tell(`pass ${register} web`)
  await first.hears('OK')
  const second = world.begin('second', '127.0.0.1:82')
  second.tell(`pass ${register} web`)
  await second.hears('OK')
  assert.equal(world.states(), '1 works, 2 waits')
  second.tell('say READY=1')
  await second.hears('OK', 'OK')
  await first.hears('OK', 'DRAIN')
  assert.equal((await world.greeted()).name, 'second')
})

test('a Node server joins a label, says that it is ready, and is told to drain, also by another agent', async () => {
  await using world = new RunWorld()
  await world.up({ bind, generations: { ready: 'notify' } })
  const member = (name: string, address: string) => {
    const args = ['--import', 'tsx', MEMBER, world.paths.run, 'web', name, address, String(PORT)]
    return new Run(world, world.start(process.execPath, args))
  }
  const first = member('first', '127.0.0.1')
  await first.hears('joined')
  assert.equal((await world.greeted()).name, 'first')
  await world.stopAgent()
  await world.upAgain()
  const second = member('second', '127.0.0.2')
  await second.hears('joined')
  await world.are('1 works, 2 waits')
  second.tell('ready')
  await second.hears('joined', 'said')
  await first.hears('joined', 'drain')
  await world.are('2 works')
  assert.equal((await world.greeted()).name, 'second')
  const stranger = world.start(process.execPath, ['--import', 'tsx', MEMBER, '/nowhere', 'web', 'x', '127.0.0.3', '1'])
  assert.equal((await once(stranger, 'exit'))[0], 1)
})

const isListening = (world: RunWorld, port: number): boolean =>
  inNetns(world.netns, () => command('ss', ['-Hltn', `sport = :${port}`])) !== ''
