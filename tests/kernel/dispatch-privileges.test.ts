import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { quicConnectionIds, type RegisterResult } from '../../src/dispatch/index.ts'
import { removePins } from '../../src/entry/pins.ts'
import { command } from '../../src/linux/command.ts'
import { ended, start } from '../../src/linux/process.ts'
import { Asker, longHeader, shortHeader } from '../support/quic-datagrams.ts'
import { DispatchWorld } from './dispatch-world.ts'

const NOBODY = 65_534
const GROUP = new URL('../support/group-answerer.py', import.meta.url).pathname
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A folder, a BPF file system and a command line for a user who has some capabilities and no others. */
class User implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'seawall-user-'))
  readonly #world: DispatchWorld
  readonly #bpf = join(this.folder, 'bpf')

  constructor(world: DispatchWorld) {
    this.#world = world
    chmodSync(this.folder, 0o755)
    mkdirSync(join(this.folder, 'run'))
    mkdirSync(this.#bpf)
    command('mount', ['-t', 'bpf', '-o', 'mode=0700', 'bpf', this.#bpf])
    for (const own of [this.#bpf, join(this.folder, 'run')]) chownSync(own, NOBODY, NOBODY)
  }

  /** As `setpriv` starts a program: without rights but these. */
  static line(capabilities: readonly string[], ...program: readonly string[]): string[] {
    const some = capabilities.map((name) => `+${name}`).join(',')
    const lists = ['-all', ...(some === '' ? [] : [some])].join(',')
    const caps = [`--inh-caps=${lists}`, `--ambient-caps=${lists}`, `--bounding-set=${lists}`]
    return [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...caps, ...program]
  }

  seawall(capabilities: readonly string[], ...args: readonly string[]) {
    const env = {
      PATH: process.env.PATH,
      SEAWALL_PINS: join(this.#bpf, 'seawall'),
      SEAWALL_RUN: join(this.folder, 'run'),
      NO_COLOR: '1',
    }
    const node = [process.execPath, ...process.execArgv.filter((one) => !one.startsWith('--test')), MAIN, ...args]
    return ended(start('setpriv', User.line(capabilities, ...node), { netns: this.#world.netns, env, stdio: 'pipe' }))
  }

  [Symbol.dispose](): void {
    removePins(join(this.#bpf, 'seawall-dispatch'))
    command('umount', [this.#bpf])
    rmSync(this.folder, { recursive: true })
  }
}

test('a user with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN binds, and registers sockets of its own processes', async () => {
  await using world = new DispatchWorld()
  using user = new User(world)
  const source =
    "require('node:net').createServer((one) => one.end('web')).listen(8080, '127.0.0.1', () => console.log('ready'))"
  const server = await world.serve('setpriv', User.line([], process.execPath, '-e', source))
  const rights = ['bpf', 'perfmon', 'net_admin']
  const bound = await user.seawall(rights, 'bind', 'web', 'tcp', '192.0.2.0/24', 'any')
  assert.equal(bound.code, 0, bound.stderr)
  const registered = await user.seawall(rights, 'register-pid', String(server.pid), 'web')
  assert.equal(registered.code, 0, registered.stderr)
  assert.equal(await world.ask('tcp', '192.0.2.1', 443), 'web')
  assert.match((await user.seawall(rights, 'bindings')).stdout, /web +tcp +192.0.2.0\/24 +any +1/)
  const foreign = await world.answer('root', 'tcp:127.0.0.1:8081')
  const refused = await user.seawall(rights, 'register-pid', String(foreign.pid), 'web')
  assert.deepEqual([refused.code, /run as root/.test(refused.stderr)], [5, true], refused.stderr)
  const ptrace = await user.seawall(
    [...rights, 'sys_ptrace', 'dac_read_search'],
    'register-pid',
    String(foreign.pid),
    'root',
  )
  assert.equal(ptrace.code, 0, ptrace.stderr)
  const answering = await user.seawall(rights, 'bind', 'game', 'udp', '192.0.2.0/24', '7777', '--flows', 'answer')
  assert.equal(answering.code, 0, answering.stderr)
  assert.equal((await user.seawall(rights, 'unload')).code, 0)
})

test('such a user has the connection ids of QUIC read in the group of its own server', async () => {
  await using world = new DispatchWorld()
  using user = new User(world)
  const rights = ['bpf', 'perfmon', 'net_admin']
  const to = { address: '192.0.2.1', port: 7778 }
  const bound = await user.seawall(rights, 'bind', 'web', 'udp', '192.0.2.0/24', `${to.port}`, '--flows', 'quic')
  assert.equal(bound.code, 0, bound.stderr)
  const servers: RegisterResult[] = []
  for (const name of ['old', 'fresh']) {
    const words = ['/usr/bin/python3', GROUP, name, '2', to.address, `${to.port}`]
    const { pid } = await world.serve('setpriv', User.line([], ...words))
    const { code, stdout, stderr } = await user.seawall(
      rights,
      'register-pid',
      `${pid}`,
      'web',
      '--json',
      '--generation',
      'new',
    )
    assert.equal(code, 0, stderr)
    servers.push(JSON.parse(stdout))
  }
  assert.equal((await user.seawall(rights, 'promote', 'web')).code, 0)
  using client = new Asker(world.netns, '198.51.100.1')
  assert.match(await client.ask(longHeader(Buffer.alloc(8), 'initial'), to), /^fresh/)
  for (const [index, name] of ['old', 'fresh'].entries())
    for (const { quic } of servers[index]!.sockets)
      assert.match(await client.ask(shortHeader(quicConnectionIds(quic!)()), to), new RegExp(`^${name}`))
  assert.equal((await user.seawall(rights, 'unload')).code, 0)
})

test('a user without one of them is told which is missing, and changes nothing', async () => {
  await using world = new DispatchWorld()
  using user = new User(world)
  for (const [rights, missing] of [
    [[], 'CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON'],
    [['bpf', 'perfmon'], 'CAP_NET_ADMIN'],
    [['bpf', 'net_admin'], 'CAP_PERFMON'],
  ] as const) {
    const run = await user.seawall(rights, 'bind', 'web', 'tcp', '192.0.2.0/24', 'any')
    assert.equal(run.code, 5, run.stderr)
    assert.match(run.stderr, new RegExp(`Cannot go on without ${missing}:`))
  }
})
