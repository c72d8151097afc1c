import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'
import { ended, start, stop } from '../../src/linux/process.ts'
import { type Run, type RunOptions, runSeawall } from '../cli/run-seawall.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A client, an edge with an interface to protect, and places of their own for state: all that a life of Seawall needs. */
export class CliWorld {
  readonly edge = `seawall-cli-${process.pid}`
  readonly client = `${this.edge}-c`
  readonly folder = mkdtempSync(join(tmpdir(), 'seawall-cli-'))
  readonly pins = `/sys/fs/bpf/${this.edge}`
  readonly env = {
    SEAWALL_RUN: join(this.folder, 'run'),
    SEAWALL_PINS: this.pins,
    SEAWALL_NETNS: this.edge,
    SEAWALL_CONFIG: join(this.folder, 'seawall.json'),
  }
  readonly #agents: ChildProcess[] = []

  constructor() {
    mountBpffs()
    createNetns(this.edge)
    createNetns(this.client)
    ipBatch(this.edge, [
      `link add sea0 type veth peer name cli0 netns ${this.client}`,
      'link set sea0 up',
      'addr add 10.77.0.1/24 dev sea0',
    ])
    ipBatch(this.client, ['link set cli0 up', 'addr add 10.77.0.2/24 dev cli0'])
  }

  /** Writes the configuration. */
  configure(firewall: object, more: object = {}): void {
    writeFileSync(this.env.SEAWALL_CONFIG, JSON.stringify({ interfaces: ['sea0'], firewall, ...more }))
  }

  /** Runs a command in this process. */
  run(line: string | readonly string[], options: RunOptions = {}): Promise<Run> {
    const args = typeof line === 'string' ? line.split(' ') : line
    return runSeawall(args, { cwd: this.folder, ...options, env: { ...this.env, ...options.env } })
  }

  /** Runs a command with --json and reads its document. */
  async json<T>(line: string, options: RunOptions = {}): Promise<T> {
    const { stdout } = await this.run(`${line} --json`, options)
    return JSON.parse(stdout) as T
  }

  /** Starts an agent in a process of its own, and waits until it is ready; its log grows in `log`. */
  async up(...args: string[]): Promise<AgentProcess> {
    const child = start(process.execPath, ['--import', 'tsx', MAIN, 'up', '--json', ...args], {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#agents.push(child)
    const agent = new AgentProcess(child)
    await agent.event('ready')
    return agent
  }

  /** Sends UDP packets from the client, one after the other. */
  async send(port: number, count: number): Promise<void> {
    const script = `for i in $(seq ${count}); do echo -n seawall > /dev/udp/10.77.0.1/${port}; done`
    await ended(start('bash', ['-c', script], { netns: this.client, stdio: 'pipe' }))
  }

  async remove(): Promise<void> {
    for (const agent of this.#agents) await stop(agent)
    await this.run('down')
    removeNetns(this.client)
    removeNetns(this.edge)
    rmSync(this.folder, { recursive: true })
  }
}

interface LogLine {
  readonly level: string
  readonly event: string
  readonly message: string
}

/** A running `seawall up`. */
export class AgentProcess {
  readonly child: ChildProcess
  readonly log: LogLine[] = []
  #rest = ''
  #output = ''

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
  }

  /** What is no line of the log is the document of an error. */
  #read(text: string): void {
    this.#output += text
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('{"at"')) this.log.push(JSON.parse(line) as LogLine)
  }

  /** Waits for an event after the first `seen` lines of the log. */
  async event(name: string, seen = 0): Promise<LogLine> {
    const until = performance.now() + 30_000
    for (;;) {
      const found = this.log.slice(seen).find((line) => line.event === name)
      if (found !== undefined) return found
      const over = this.child.exitCode !== null || this.child.signalCode !== null || performance.now() > until
      if (over) throw new Error(`no event "${name}" in ${this.#output}`)
      await sleep(20)
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill(signal)
    await gone
    return this.child.exitCode ?? this.child.signalCode
  }
}
