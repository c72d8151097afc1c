// Needs root. A server that listens at one port gets the connections to all ports of a prefix that is on no interface.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dispatch, readBinding, registerSockets } from 'seawall/dispatch'
import { createNetns, ended, inNetns, ip, mountBpffs, removeNetns, start } from 'seawall/linux'

const netns = `seawall-example-${process.pid}`
const paths = { bpf: `/sys/fs/bpf/${netns}`, run: mkdtempSync(join(tmpdir(), 'seawall-example-')), netns }
const server = createServer(({ socket }, response) => response.end(`${socket.localAddress} port ${socket.localPort}\n`))
const dispatch = new Dispatch(paths)

mountBpffs()
createNetns(netns)
try {
  ip(netns, ['route', 'add', 'local', '192.0.2.0/24', 'dev', 'lo'])
  inNetns(netns, () => server.listen(8080))
  if (!server.listening) await once(server, 'listening')
  await dispatch.bind([readBinding({ label: 'web', protocol: 'tcp', prefix: '192.0.2.0/24', port: 'any' })])
  await registerSockets('web', server, { paths })
  const urls = ['http://192.0.2.1:80/', 'http://192.0.2.99:12345/']
  console.log((await ended(start('curl', ['-s', ...urls], { netns, stdio: 'pipe' }))).stdout.trim())
} finally {
  server.close()
  await dispatch.unload()
  removeNetns(netns)
  rmSync(paths.run, { recursive: true })
}

// Prints:
// ::ffff:192.0.2.1 port 80
// ::ffff:192.0.2.99 port 12345
