import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Netns } from '../../src/linux/netns.ts'
import { start, stop } from '../../src/linux/process.ts'
import type { Order, Talk } from './messages.ts'

export interface TalkersOptions {
  readonly netns: Netns
  readonly host: string
  readonly port: number
  /** Addresses that connections come from, in turn. */
  readonly addresses: readonly string[]
}

/** Many connections that stay and talk all the time, in a process of their own inside a network namespace. */
export class Talkers {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  static start({ netns, host, port, addresses }: TalkersOptions): Talkers {
    return new Talkers(startScript('clients.ts', [host, String(port), ...addresses], netns, 'pipe'))
  }

  /** Opens more, and returns when all of them are there or have failed. */
  open(connections: number): Promise<Talk> {
    return this.#order({ do: 'open', connections })
  }

  count(): Promise<Talk> {
    return this.#order({ do: 'count' })
  }

  /** Closes all of them, and says what became of them. */
  async end(): Promise<Talk> {
    const talk = await this.#order({ do: 'end' })
    await stop(this.#child)
    return talk
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  async #order(order: Order): Promise<Talk> {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error('Cannot talk: the program with the clients has ended')
    return JSON.parse(value as string) as Talk
  }
}

/** Starts a server that answers with its name; it is there when this returns. */
export async function startTalkServer(netns: Netns, name: string, port: number): Promise<ChildProcess> {
  const child = startScript('server.ts', [name, String(port)], netns, 'ignore')
  await once(child.stdout!, 'data')
  return child
}

function startScript(script: string, args: readonly string[], netns: Netns, stdin: 'pipe' | 'ignore'): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return start(process.execPath, ['--import', 'tsx', path, ...args], { netns, stdio: [stdin, 'pipe', 'inherit'] })
}
