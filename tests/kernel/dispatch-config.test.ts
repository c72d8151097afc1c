import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LocalControl } from '../../src/agent/index.ts'
import { ip, ipBatch } from '../../src/linux/interface.ts'
import { DispatchWorld } from './dispatch-world.ts'

/** A world in which a configuration can be applied: there is an interface, and prefixes are local by that alone. */
class ConfigWorld extends DispatchWorld {
  readonly control: LocalControl
  readonly #config: string

  constructor() {
    super({ local: [] })
    ipBatch(this.netns, ['link add sea0 type veth peer name cli0', 'link set sea0 up', 'link set cli0 up'])
    this.#config = join(this.paths.run, 'seawall.json')
    this.control = new LocalControl({ config: this.#config, paths: this.paths, waitMs: 5_000 })
  }

  configure(dispatch?: object): void {
    const rules = ['count if tcp']
    writeFileSync(this.#config, JSON.stringify({ interfaces: ['sea0'], firewall: { rules }, dispatch }))
  }

  apply(dispatch?: object, options: { readonly confirmWithinMs?: number } = {}) {
    this.configure(dispatch)
    return this.control.apply(options)
  }

  /** Prefixes that are local by a route of Seawall's. */
  announced(): string[] {
    const lines = (['-4', '-6'] as const).flatMap((family) =>
      ip(this.netns, [family, 'route', 'show', 'table', 'local', 'proto', '183']).split('\n'),
    )
    return lines.flatMap((line) => /^local (\S+)/.exec(line)?.[1] ?? [])
  }

  /** Bindings in force, each `LABEL PREFIX PORT`, with a star if a command has made it. */
  async bound(): Promise<string[]> {
    const bindings = await this.dispatch.bindings()
    return bindings.map(({ label, prefix, port, dynamic }) => `${label} ${prefix} ${port}${dynamic ? ' *' : ''}`)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.control.down()
    this.control.close()
    await super[Symbol.asyncDispose]()
  }
}

const web = {
  announce: ['192.0.2.0/24', '2001:db8::/48'],
  labels: { web: { bind: ['tcp 192.0.2.0/24 any', 'tcp 2001:db8::/48 80'] } },
}

test('a configuration announces prefixes and binds them, and a roll back takes it back', async () => {
  await using world = new ConfigWorld()
  await world.register('web', await world.answer('web', 'tcp:127.0.0.1:8080', 'tcp:[::1]:8080'))
  const { plan } = await world.apply(web)
  assert.deepEqual(
    plan.changes
      .filter(({ what }) => what === 'announce' || what === 'label')
      .map(({ kind, name, after }) => [kind, name, after]),
    [
      ['add', '192.0.2.0/24', undefined],
      ['add', '2001:db8::/48', undefined],
      ['add', 'web', 'tcp 192.0.2.0/24 any, tcp 2001:db8::/48 80'],
    ],
  )
  assert.equal(await world.ask('tcp', '192.0.2.77', 12_345), 'web')
  assert.equal(await world.ask('tcp', '2001:db8::9', 80), 'web')
  assert.equal((await world.apply(web)).changed, false)

  await world.apply({ announce: ['192.0.2.0/24'], labels: { web: { bind: ['tcp 192.0.2.0/24 81'] } } })
  assert.deepEqual([await world.bound(), world.announced()], [['web 192.0.2.0/24 81'], ['192.0.2.0/24']])
  assert.equal(await world.ask('tcp', '192.0.2.77', 80), 'refused')
  assert.equal(await world.ask('tcp', '192.0.2.77', 81), 'web')

  await world.control.rollback()
  assert.deepEqual(await world.bound(), ['web 192.0.2.0/24 any', 'web 2001:db8::/48 80'])
  assert.deepEqual(world.announced(), ['192.0.2.0/24', '2001:db8::/48'])
  assert.equal(await world.ask('tcp', '192.0.2.77', 80), 'web')

  await world.apply()
  assert.deepEqual([await world.bound(), world.announced()], [[], []])
})

test('what commands have bound and registered outlasts configurations, rules that are added, and down', async () => {
  await using world = new ConfigWorld()
  await world.register('web', await world.answer('web', 'tcp:127.0.0.1:8080'))
  await world.bind('web tcp 192.0.2.9 443')
  await world.apply(web)
  await world.control.drop('udp')
  const all = ['web 192.0.2.0/24 any', 'web 2001:db8::/48 80', 'web 192.0.2.9/32 443 *']
  assert.deepEqual(await world.bound(), all)
  await world.control.down()
  assert.deepEqual([await world.bound(), world.announced()], [all.slice(2), []])
  assert.equal(world.dispatch.status().destinations[0]!.sockets.length, 1)
})

test('a configuration that binds what a command has bound to another label is refused, and nothing has changed', async () => {
  await using world = new ConfigWorld()
  await world.bind('other tcp 192.0.2.0/24 any')
  await assert.rejects(world.apply(web), {
    code: 'SEAWALL_INPUT',
    message: /"tcp 192.0.2.0\/24 any": it is bound twice/,
  })
  assert.deepEqual([await world.bound(), world.announced()], [['other 192.0.2.0/24 any *'], []])
  assert.equal((await world.control.status()).firewall, undefined)
  await world.unbind('other tcp 192.0.2.0/24 any')
  await world.apply(web)
  await assert.rejects(world.bind('other tcp 192.0.2.0/24 any'), { message: /the configuration binds it to "web"/ })
  await assert.rejects(world.unbind('web tcp 192.0.2.0/24 any'), { message: /change it there, then seawall apply/ })
})

test('an apply that is not confirmed takes its bindings and prefixes back, also if nothing was in force before', async () => {
  await using world = new ConfigWorld()
  await world.apply(web, { confirmWithinMs: 60_000 })
  assert.equal(world.announced().length, 2)
  await world.control.rollback()
  assert.deepEqual([world.announced(), world.dispatch.isLoaded()], [[], false])
})

test('a prefix that somebody else has made local stays his', async () => {
  await using world = new ConfigWorld()
  ip(world.netns, ['route', 'add', 'local', '192.0.2.0/24', 'dev', 'lo'])
  await world.apply(web)
  assert.deepEqual(world.announced(), ['2001:db8::/48'])
  await world.control.down()
  assert.match(ip(world.netns, ['route', 'show', 'table', 'local']), /local 192.0.2.0\/24/)
})
