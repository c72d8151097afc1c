import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeNginx } from '../../lab/demo/nginx.ts'
import { ended } from '../../src/linux/process.ts'
import { AgentWorld } from './dispatch-agent-world.ts'

// Servers that know of nothing are restarted under load: each run is a generation of its own, and the agent does the rest.

const RESTARTS = Number(process.env.SEAWALL_RESTARTS ?? 20)
const PORT = 8080
const folder = mkdtempSync(join(tmpdir(), 'seawall-restarts-'))
after(() => rmSync(folder, { recursive: true }))

interface Server {
  readonly name: string
  /** Path of the program as the kernel names it. */
  readonly exe: string
  /** Arguments of a run; `body` is what it answers. */
  readonly args: (run: number, body: string) => readonly string[]
  /** How it is asked to end when its connections have. */
  readonly quit: NodeJS.Signals
}

/** Runs have an address of IPv4 each, and over IPv6 all have one, by SO_REUSEPORT. */
const addressOf = (run: number): string => `127.0.0.${1 + run}`

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const nginx: Server = {
  name: 'nginx',
  exe: '/usr/sbin/nginx',
  quit: 'SIGQUIT',
  args(run, body) {
    const config = writeNginx(join(folder, `nginx-${run}`), {
      workers: 2,
      listen: [`${addressOf(run)}:${PORT}`, `[::1]:${PORT} reuseport`],
      location: `keepalive_requests 20; return 200 "${body}";`,
    })
    return ['-e', 'stderr', '-c', config]
  },
}

const caddy: Server = {
  name: 'caddy',
  exe: '/usr/bin/caddy',
  quit: 'SIGTERM',
  args(run, body) {
    const config = write(
      `caddy-${run}`,
      `{
        admin off
        auto_https off
        storage file_system ${folder}/caddy
      }
      http://:${PORT} {
        bind ${addressOf(run)} ::1
        respond "${body}"
      }`,
    )
    return ['run', '--adapter', 'caddyfile', '--config', config]
  },
}

interface Load {
  readonly requests: number
  /** What is said of those that failed; nothing if none did. */
  readonly failures: string
}

const TARGETS = ['http://192.0.2.7:80/', 'http://[2001:db8::7]:443/']

/** Asks by a connection for each request. */
function wrk(world: AgentWorld): ChildProcess[] {
  return TARGETS.map((url) => world.start('wrk', ['-t', '1', '-c', '8', '-d', '300', '-H', 'Connection: close', url]))
}

/** Asks 50 times by each connection. */
function curl(world: AgentWorld): ChildProcess[] {
  const script = 'for i in $(seq 3000); do curl -sSfg --fail-early -o /dev/null -w "asked\\n" "$1?[1-50]" 2>&1; done'
  return TARGETS.flatMap((url) => [1, 2].map(() => world.start('sh', ['-c', script, 'sh', url])))
}

async function endOf(clients: readonly ChildProcess[]): Promise<Load[]> {
  const outputs = clients.map((child) => ended(child))
  for (const child of clients) child.kill('SIGINT')
  return (await Promise.all(outputs)).map(({ stdout }) => {
    const asked = stdout.split('\n').filter((line) => line === 'asked').length
    return {
      requests: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? asked),
      failures: /^ *(Socket errors|Non-2xx|curl: ).*$/m.exec(stdout)?.[0].trim() ?? '',
    }
  })
}

/** Starts runs one after the other, each when the one before has ended. */
async function restart(world: AgentWorld, server: Server, times: number): Promise<void> {
  for (let run = 1; run <= times; run++) {
    const before = runs.at(-1)!
    runs.push(world.start(server.exe, server.args(run, `run ${run}`)))
    await world.until(`run ${run}`, () => world.states().includes(`${run + 1} works`))
    await world.until(`the end of run ${run - 1}`, () => before.exitCode !== null)
  }
}

let runs: ChildProcess[] = []

async function begin(world: AgentWorld, server: Server, generations: object): Promise<void> {
  runs = [world.start(server.exe, server.args(0, 'run 0'))]
  const bind = ['tcp 192.0.2.0/24 any', 'tcp 2001:db8::/48 any']
  await world.up({ bind, process: { exe: realpathSync(server.exe) }, port: PORT, generations })
  await world.until('run 0', () => world.states() === '1 works')
}

for (const server of [nginx, caddy])
  for (const load of [wrk, curl]) {
    const how = load === wrk ? 'a connection a request' : 'connections that are kept'
    const times = load === wrk ? RESTARTS : Math.ceil(RESTARTS / 2)
    test(`${server.name} is restarted ${times} times under ${load.name}, ${how}: no request fails`, async () => {
      await using world = new AgentWorld()
      // A server closes what is idle when it drains, and a request may be on its way: so what is kept ends before.
      await begin(world, server, { ready: { http: '/' }, [load === wrk ? 'drain' : 'stop']: server.quit })
      const clients = load(world)
      await restart(world, server, times)
      for (const { requests, failures } of await endOf(clients)) {
        assert.equal(failures, '')
        assert.ok(requests > times, `${requests} requests`)
      }
      assert.equal((await world.run('curl', ['-s', 'http://192.0.2.99:1234/'])).stdout, `run ${times}`)
      assert.equal((await world.run('curl', ['-s', 'http://[2001:db8::99]:1234/'])).stdout, `run ${times}`)
    })
  }
