import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LineProcess } from '../../lab/line-process.ts'
import { readBinding } from '../../src/dispatch/index.ts'
import { ip } from '../../src/linux/interface.ts'
import { readServerSockets } from '../../src/linux/socket-table.ts'
import type { QuicPrograms } from '../support/quic-programs.ts'
import { DispatchWorld } from './dispatch-world.ts'

export const QUIC_PORT = 443

/** Where servers and their clients are, and where those that come later are, each time with one more digit: a port that has had a connection leads to its generation. */
export const QUIC_FAMILIES = [
  {
    family: 4,
    server: '192.0.2.1',
    clients: ['198.51.100.1', '198.51.100.2'],
    newcomers: '198.51.100.10',
    loopback: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
  },
  {
    family: 6,
    server: '2001:db8::1',
    clients: ['2001:db8::c1', '2001:db8::c2'],
    newcomers: '2001:db8::c10',
    loopback: ['fd00::1', 'fd00::2', 'fd00::3'],
  },
] as const

const NEWCOMERS = [1, 2, 3, 4]

export const quicBinding = (prefix: string, flows: string) =>
  readBinding({ label: 'web', protocol: 'udp', prefix, port: `${QUIC_PORT}`, flows })

/** A server of QUIC that is restarted, and its clients. */
export class QuicWorld extends DispatchWorld {
  readonly #programs: QuicPrograms

  constructor(programs: QuicPrograms) {
    super()
    this.#programs = programs
    const { server, clients, newcomers, loopback } = QUIC_FAMILIES[1]
    for (const address of [server, ...clients, ...loopback, ...NEWCOMERS.map((last) => `${newcomers}${last}`)])
      ip(this.netns, ['-6', 'address', 'add', address, 'dev', 'lo', 'nodad'])
  }

  /** Starts a server of a new generation, which is told its place and works when this is done. */
  async restart(name: string, host: string): Promise<LineProcess> {
    const { server, key, certificate } = this.#programs
    const talk = new LineProcess(this.start(server, [name, host, `${QUIC_PORT}`, key, certificate]))
    await talk.hear()
    const { sockets } = await this.register('web', talk.child, 'new')
    const { quic } = sockets[0]!
    await talk.say(quic ? [quic.key, quic.generation, quic.destination, quic.slot, quic.place].join(' ') : 'random')
    await this.dispatch.promote('web')
    return talk
  }

  /** Starts Caddy, as a generation that works when this is done. It is bound to an address of its own, and answers with its name. */
  async startCaddy(name: string, host: string): Promise<ChildProcess> {
    const { folder, key, certificate } = this.#programs
    const config = join(folder, name)
    const site = `https://localhost:${QUIC_PORT} {\n bind ${host}\n tls ${certificate} ${key}\n respond ${name}\n}\n`
    writeFileSync(config, `{\n admin off\n auto_https disable_redirects\n log {\n  level ERROR\n }\n}\n${site}`)
    const folders = [`XDG_DATA_HOME=${folder}`, `XDG_CONFIG_HOME=${folder}`]
    const child = this.start('env', [...folders, 'caddy', 'run', '--config', config, '--adapter', 'caddyfile'])
    const isThere = () => readServerSockets(this.netns).some((one) => one.protocol === 'udp' && one.address === host)
    for (let tries = 0; !isThere(); tries++) {
      assert.ok(tries < 400, `Caddy does not listen at ${host}`)
      await sleep(25)
    }
    await this.dispatch.registerProcess('web', { pid: child.pid!, protocol: 'udp' }, 'new')
    await this.dispatch.promote('web')
    return child
  }

  /** Clients that do what they are told to, and how many connections each server has answered by then. */
  async clients(protocol: 'echo' | 'h3', host: string, patience = 20) {
    const talk = new LineProcess(this.start(this.#programs.client, [protocol, host, `${QUIC_PORT}`, `${patience}`]))
    await talk.hear()
    return async (line: string): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {}
      for (const name of JSON.parse(await talk.say(line)) as string[]) counts[name] = (counts[name] ?? 0) + 1
      return counts
    }
  }
}
