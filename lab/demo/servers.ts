import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Netns } from '../../src/linux/netns.ts'
import { type Ended, ended, stop } from '../../src/linux/process.ts'
import { listListeners } from '../../src/linux/sockets.ts'
import { SERVICE4, SERVICE6 } from '../point-of-presence.ts'
import { startFirst } from '../sessions.ts'
import { type NginxOptions, writeNginx } from './nginx.ts'

/** The zone that the demo's DNS server answers for. */
export const ZONE = 'seawall.example'

/** How many names exist in it: `www-0`, `www-1`, … */
export const NAMES = 1000

export interface ServersOptions {
  readonly netns: Netns
  /** The CPU they share with the edge's network. */
  readonly cpu: number
  /** A directory of the demo's own, for configurations and files. */
  readonly directory: string
}

/** NSD and nginx, as Debian ships them, on the service addresses. */
export interface Servers {
  /** @throws Error with a server's own words if it has ended. */
  check(): void
  stop(): Promise<void>
}

const NGINX: NginxOptions = {
  workers: 1,
  listen: [`${SERVICE4}:80`, `[${SERVICE6}]:80`],
  location: 'return 200 "hello from the edge\\n";',
}

/** Longest wait for both servers to listen. */
const START_MS = 5_000

/**
 * Starts both servers and waits until they listen.
 *
 * @throws Error with a server's own words if it ends at once.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { netns, cpu, directory } = options
  const where = { netns, cpu, stdio: ['ignore', 'pipe', 'pipe'] as const }
  const servers = [
    startFirst('nsd', ['-d', '-c', writeNsd(join(directory, 'nsd'))], { ...where, stdio: [...where.stdio] }),
    startFirst('nginx', ['-c', writeNginx(join(directory, 'nginx'), NGINX), '-e', 'stderr'], {
      ...where,
      stdio: [...where.stdio],
    }),
  ]
  const ends = servers.map(async (server) => failure(server.spawnfile, server.spawnargs, await ended(server)))
  const problem = await Promise.race([...ends, untilListening(netns)])
  if (problem !== undefined) {
    await Promise.all(servers.map((server) => stop(server)))
    throw problem
  }
  let died: Error | undefined
  for (const end of ends) void end.then((error) => (died ??= error))
  return {
    check: () => {
      if (died !== undefined) throw died
    },
    stop: async () => {
      await Promise.all(servers.map((server) => stop(server)))
    },
  }
}

async function untilListening(netns: Netns): Promise<Error | undefined> {
  const wanted = [SERVICE4, SERVICE6].flatMap((address) => [`udp ${address} 53`, `tcp ${address} 80`])
  for (const end = performance.now() + START_MS; performance.now() < end; await setTimeout(50)) {
    const found = listListeners(netns).map(({ protocol, address, port }) => `${protocol} ${address} ${port}`)
    if (wanted.every((one) => found.includes(one))) return undefined
  }
  return new Error(`Cannot start the servers: they do not listen on ${SERVICE4} and ${SERVICE6} after ${START_MS} ms`)
}

function failure(program: string, args: readonly string[], { code, signal, stdout, stderr }: Ended): Error {
  return new Error(
    `Cannot keep "${[program, ...args].join(' ')}" running: ended with ${signal ?? code}: ${stderr || stdout}`,
  )
}

/** @returns the path of the configuration. */
function writeNsd(directory: string): string {
  mkdirSync(directory, { recursive: true })
  const records = Array.from({ length: NAMES }, (_, i) => `www-${i} A 192.0.2.${i % 256}`)
  const zone = [
    `$ORIGIN ${ZONE}.`,
    '$TTL 3600',
    '@ SOA ns hostmaster 1 3600 900 86400 300',
    '@ NS ns',
    `ns A ${SERVICE4}`,
    `ns AAAA ${SERVICE6}`,
    ...records,
  ]
  writeFileSync(join(directory, 'zone'), `${zone.join('\n')}\n`)
  const path = join(directory, 'nsd.conf')
  writeFileSync(
    path,
    `server:
  ip-address: ${SERVICE4}
  ip-address: ${SERVICE6}
  username: ""
  database: ""
  zonesdir: "${directory}"
  pidfile: "${directory}/nsd.pid"
  xfrdfile: "${directory}/xfrd.state"
  xfrdir: "${directory}"
  zonelistfile: "${directory}/zone.list"
  # Its own rate limit is off: the demo is about what the network does.
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "${ZONE}"
  zonefile: "zone"
`,
  )
  return path
}
