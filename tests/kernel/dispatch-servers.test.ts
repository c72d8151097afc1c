import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeNginx } from '../../lab/demo/nginx.ts'
import { readServerSockets } from '../../src/linux/socket-table.ts'
import { DispatchWorld } from './dispatch-world.ts'

// Servers as they are, which know of nothing but 127.0.0.1:8080, have all ports of a prefix.

const PORT = 8080
const folder = mkdtempSync(join(tmpdir(), 'seawall-servers-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const nginx = () =>
  writeNginx(folder, {
    workers: 2,
    listen: [`127.0.0.1:${PORT}`, `[::1]:${PORT}`],
    location: 'return 200 "nginx $server_addr $server_port";',
  })

const haproxy = () =>
  file(
    'haproxy.cfg',
    `defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:${PORT}
  bind [::1]:${PORT}
  http-request return status 200 content-type text/plain lf-string "haproxy %[dst] %[dst_port]"
`,
  )

const node = `require('node:http').createServer((request, response) => {
  const { localAddress, localPort } = request.socket
  response.end('node ' + localAddress + ' ' + localPort)
})`

const python = `
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(('python %s %d' % self.connection.getsockname()[:2]).encode())
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
Server((sys.argv[1], ${PORT}), Handler).serve_forever()
`

/** Command lines that serve IPv4, IPv6 or both. */
const servers: Readonly<Record<string, readonly (readonly [string, ...string[]])[]>> = {
  nginx: [['nginx', '-c', nginx()]],
  haproxy: [['haproxy', '-f', haproxy()]],
  caddy: [`127.0.0.1:${PORT}`, `[::1]:${PORT}`].map(
    (at) =>
      [
        'env',
        `XDG_DATA_HOME=${folder}`,
        `XDG_CONFIG_HOME=${folder}`,
        'caddy',
        'respond',
        '--listen',
        at,
        'caddy',
      ] as const,
  ),
  node: ['127.0.0.1', '::1'].map((host) => [process.execPath, '-e', `${node}.listen(${PORT}, '${host}')`] as const),
  python: ['127.0.0.1', '::1'].map((host) => ['python3', '-c', python, host] as const),
}

/** Resolves once something listens there. */
async function listening(world: DispatchWorld, host: string): Promise<void> {
  const isThere = () => readServerSockets(world.netns).some(({ address, port }) => address === host && port === PORT)
  for (let tries = 0; !isThere(); tries++) {
    assert.ok(tries < 400, `nothing listens at ${host}`)
    await sleep(25)
  }
}

async function startAll(
  world: DispatchWorld,
  lines: readonly (readonly [string, ...string[]])[],
): Promise<ChildProcess[]> {
  const children = lines.map(([program, ...args]) => world.start(program, args))
  for (const host of ['127.0.0.1', '::1']) await listening(world, host)
  return children
}

const curl = async (world: DispatchWorld, host: string, port: number): Promise<string> =>
  (await world.run('curl', ['-s', '--max-time', '5', '--noproxy', '*', `http://${host}:${port}/`])).stdout

for (const [name, lines] of Object.entries(servers)) {
  test(`${name}, as it is, answers curl at all ports of a prefix, over IPv4 and IPv6`, async () => {
    await using world = new DispatchWorld()
    const children = await startAll(world, lines)
    await world.bind('web tcp 192.0.2.0/24 any', 'web tcp 2001:db8::/48 any')
    for (const child of children) await world.register('web', child)
    for (const port of [80, 443, 8_080, 65_535]) {
      const ipv4 = await curl(world, '192.0.2.77', port)
      assert.match(ipv4, new RegExp(`^${name}( 192.0.2.77 ${port})?`), `port ${port}`)
      assert.match(await curl(world, '[2001:db8:0:1::9]', port), new RegExp(`^${name}`), `IPv6, port ${port}`)
    }
    const { destinations } = world.dispatch.status()
    assert.deepEqual(
      destinations.map(({ family, dispatched, missing }) => [family, dispatched, missing]),
      [
        [4, 4, 0],
        [6, 4, 0],
      ],
    )
  })
}

test('a name server answers dig at every address of a prefix, from that address', async () => {
  await using world = new DispatchWorld()
  const server = await world.serve('python3', [
    fileURLToPath(new URL('../support/dns-answerer.py', import.meta.url)),
    'dispatched',
  ])
  await world.bind('dns udp 192.0.2.0/24 53', 'dns udp 2001:db8::/48 53')
  await world.register('dns', server)
  for (const address of ['192.0.2.1', '192.0.2.254', '2001:db8::53', '2001:db8:0:ffff::1']) {
    const { stdout } = await world.run('dig', ['+short', '+tries=1', '+time=3', `@${address}`, 'example.com', 'TXT'])
    assert.equal(stdout, '"dispatched"\n', address)
  }
})
