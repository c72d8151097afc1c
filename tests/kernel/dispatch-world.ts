import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BindingWords, Dispatch, type GenerationChoice, readBinding } from '../../src/dispatch/index.ts'
import { dispatchFolder } from '../../src/dispatch/pins.ts'
import type { PolicyWords } from '../../src/dispatch/policy.ts'
import type { RegisterResult } from '../../src/dispatch/types.ts'
import type { Paths } from '../../src/entry/paths.ts'
import { removePins } from '../../src/entry/pins.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { ip } from '../../src/linux/interface.ts'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'
import { type Ended, ended, start, stop } from '../../src/linux/process.ts'
import { parseAddress } from '../../src/net/address.ts'
import { dial, plainApproach } from '../../src/probes/approach.ts'

let worlds = 0

export interface DispatchWorldOptions {
  /** Where another one has its state, to have it in the same place. */
  readonly shared?: Paths
  readonly local?: readonly string[]
}

const LOCAL = ['192.0.2.0/24', '198.51.100.0/24', '2001:db8::/48']

/** A network namespace in which prefixes are local, and state of its own. */
export class DispatchWorld {
  readonly netns = `seawall-dispatch-${process.pid}-${worlds++}`
  readonly paths: Paths
  readonly dispatch: Dispatch
  readonly #folder = mkdtempSync(join(tmpdir(), 'seawall-dispatch-'))
  readonly #children: ChildProcess[] = []
  readonly #isGuest: boolean

  constructor({ shared, local = LOCAL }: DispatchWorldOptions = {}) {
    mountBpffs()
    createNetns(this.netns)
    this.paths = { bpf: `/sys/fs/bpf/${this.netns}`, run: this.#folder, ...shared, netns: this.netns }
    this.#isGuest = shared !== undefined
    this.dispatch = new Dispatch(this.paths, { waitMs: 5_000 })
    for (const prefix of local) this.makeLocal(prefix)
  }

  makeLocal(prefix: string): void {
    ip(this.netns, [prefix.includes(':') ? '-6' : '-4', 'route', 'add', 'local', prefix, 'dev', 'lo'])
  }

  /** Each `LABEL PROTOCOL PREFIX PORT`. */
  bind(...lines: readonly string[]): Promise<unknown> {
    return this.bindWith({}, ...lines)
  }

  bindWith(policy: PolicyWords, ...lines: readonly string[]): Promise<unknown> {
    return this.dispatch.bind(lines.map((line) => readBinding({ ...wordsIn(line), ...policy })))
  }

  unbind(...lines: readonly string[]): Promise<unknown> {
    return this.dispatch.unbind(lines.map((line) => readBinding(wordsIn(line))))
  }

  /** Starts a process in the namespace, which ends with the world. */
  start(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess {
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    const child = start(program, args, { netns: this.netns, stdio: [...stdio], ...(env && { env }) })
    this.#children.push(child)
    return child
  }

  /** Starts a server that writes a line when it is ready. */
  async serve(program: string, args: readonly string[]): Promise<ChildProcess> {
    const child = this.start(program, args)
    const [line] = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
    if (!(line instanceof Buffer)) throw new Error(`"${program}" has ended: ${line}`)
    return child
  }

  /** Servers that answer every connection or datagram with their name. */
  answer(name: string, ...places: readonly string[]): Promise<ChildProcess> {
    return this.serve('python3', [ANSWERER, name, ...places])
  }

  /** Registers all sockets of a process. */
  register(label: string, { pid }: ChildProcess, generation?: GenerationChoice): Promise<RegisterResult> {
    return this.dispatch.registerProcess(label, { pid: pid! }, generation)
  }

  run(program: string, args: readonly string[]): Promise<Ended> {
    return ended(start(program, args, { netns: this.netns, stdio: 'pipe' }))
  }

  /** What answers: the name of a server, `refused`, or `nothing`. */
  async ask(protocol: 'tcp' | 'udp', address: string, port: number): Promise<string> {
    const { stdout } = await this.run('python3', [ASKER, protocol, address, String(port)])
    return stdout.trim()
  }

  /** A connection to a port of an address, from the namespace. */
  connect(host: string, port: number): Promise<Socket> {
    return dial(plainApproach(this.netns, parseAddress(host)), port, new AbortController().signal)
  }

  async stop(child: ChildProcess): Promise<void> {
    await stop(child)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await stop(child)
    if (!this.#isGuest) removePins(dispatchFolder(this.paths))
    removeNetns(this.netns)
    rmSync(this.#folder, { recursive: true })
  }
}

const ANSWERER = new URL('../support/answerer.py', import.meta.url).pathname
const ASKER = new URL('../support/asker.py', import.meta.url).pathname

function wordsIn(line: string): BindingWords {
  const [label = '', protocol = '', prefix = '', port = ''] = line.split(' ')
  return { label, protocol, prefix, port }
}
