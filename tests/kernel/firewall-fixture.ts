import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Program } from '../../src/bpf/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import { type ApplyRequest, Firewall, type Paths } from '../../src/firewall/index.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { command } from '../../src/linux/command.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'
import { buildPacket, ethernet, icmp, ipv4, udp } from '../../src/net/build.ts'
import type { Task } from './firewall-child.ts'
import { pack } from './firewall-pack.ts'

let made = 0

/** A namespace with two interfaces, and places for state, all of one test file. */
export class Fixture {
  readonly netns: string
  readonly paths: Paths
  readonly folder: string

  constructor(name: string) {
    mountBpffs()
    const own = `${name}-${process.pid}-${++made}`
    this.netns = `seawall-${own}`
    this.folder = mkdtempSync(join(tmpdir(), `seawall-${name}-`))
    this.paths = { bpf: `/sys/fs/bpf/seawall-test-${own}`, run: join(this.folder, 'run'), netns: this.netns }
    createNetns(this.netns)
    // Neighbour discovery would add packets of its own to those that the tests count.
    const quiet = ['all', 'default'].map((which) => `net.ipv6.conf.${which}.disable_ipv6=1`)
    command('ip', ['netns', 'exec', this.netns, 'sysctl', '-qw', ...quiet])
    ipBatch(this.netns, [
      'link add sea0 type veth peer name sea1',
      'link add sea2.7 type veth peer name sea3',
      'link set sea0 up',
      'link set sea1 up',
      'link set sea2.7 up',
      'link set sea3 up',
    ])
  }

  /** Removes the state; the namespace stays for the next test. */
  async reset(): Promise<void> {
    await new Firewall(this.paths, { waitMs: 2_000 }).down()
  }

  async remove(): Promise<void> {
    await this.reset()
    removeNetns(this.netns)
    rmSync(this.folder, { recursive: true })
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text)
    return path
  }

  /** Loads a configuration that has these rules. */
  async config(rules: readonly unknown[], more: ConfigParts = {}): Promise<ApplyRequest> {
    const { interfaces = ['sea0'], ...firewall } = more
    return loadConfig(this.write('config.json', JSON.stringify({ interfaces, firewall: { ...firewall, rules } })))
  }

  /** Everything under the folder of pinned state, sorted. */
  pins(): string[] {
    return existsSync(this.paths.bpf) ? readdirSync(this.paths.bpf, { recursive: true }).map(String).sort() : []
  }

  /** Sends packets through the live entry program by test run; they are counted. */
  send(packet: Uint8Array, times = 1): 'drop' | 'pass' {
    const entry = Program.openPinned(join(this.paths.bpf, 'entry'))
    try {
      // Not `repeat`: a run that the kernel breaks off begins again, and counts more.
      for (let sent = 1; sent < times; sent++) entry.testRun({ data: packet })
      return entry.testRun({ data: packet }).result === 1 ? 'drop' : 'pass'
    } finally {
      entry.close()
    }
  }
}

export interface Outcome {
  readonly code?: string
  readonly message?: string
  readonly steps: readonly string[]
  readonly killed: boolean
}

/** Runs a task in a process of its own, with a command before it if given, such as `setpriv`. */
export function inChild(task: Task, before: readonly string[] = []): Outcome {
  const child = fileURLToPath(new URL('firewall-child.ts', import.meta.url))
  const node = [process.execPath, ...process.execArgv.filter((one) => !one.startsWith('--test'))]
  const [program, ...args] = [...before, ...node, child, pack(task)]
  const { stdout, stderr, signal } = spawnSync(program!, args, { encoding: 'utf8' })
  if (signal === 'SIGKILL') return { steps: [], killed: true }
  assert.notEqual(stdout, '', stderr)
  return { ...(JSON.parse(stdout) as Outcome), killed: false }
}

/** Two configurations that differ in everything, and what packets say about which one they went through. */
export const first = ['drop if udp.dstport == 1', 'pass if udp']
export const second = [{ id: 'two', drop: 'udp.dstport == 2' }, 'drop if ip.src in $bad']
export const more = { interfaces: ['sea0', 'sea2.7'], sets: { bad: ['203.0.113.0/24'] } }
export const ofFirst = 'drop pass pass'
export const ofSecond = 'pass drop drop'

/** Verdicts on packets to ports 1 and 2 and from the set of {@link second}. */
export const verdicts = (fixture: Fixture): string =>
  [udpPacket(1), udpPacket(2), udpPacket(3, '203.0.113.9')].map((packet) => fixture.send(packet)).join(' ')

/** No leftovers: the root, the links and at most two generations. */
export function assertTidy(fixture: Fixture, links: readonly string[]): void {
  const top = fixture.pins().filter((name) => !name.includes('/'))
  const { generation, previous } = new Firewall(fixture.paths).status()
  const generations = [previous, generation].flatMap((one) => (one === undefined ? [] : `gen-${one}`))
  assert.deepEqual(top, ['entry', 'links', 'received', 'stages', ...generations].sort())
  const linked = fixture.pins().filter((name) => name.startsWith('links/'))
  assert.deepEqual(linked, links.map((name) => `links/${name.replaceAll('.', ':')}`).sort())
}

interface ConfigParts {
  readonly interfaces?: readonly unknown[]
  readonly sets?: Readonly<Record<string, unknown>>
  readonly malformed?: 'drop' | 'pass'
  readonly synCookies?: unknown
}

export const udpPacket = (dstport: number, src = '192.0.2.1') =>
  buildPacket(ethernet(), ipv4({ src, dst: '198.51.100.1' }), udp({ srcport: 4000, dstport }), 'seawall')

export const pingPacket = () =>
  buildPacket(ethernet(), ipv4({ src: '192.0.2.1', dst: '198.51.100.1' }), icmp({ type: 8 }))

/** Cut in the middle of the IP header. */
export const cutPacket = () => udpPacket(53).slice(0, 24)
