import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Netns } from '../../src/linux/netns.ts'
import { start, stop } from '../../src/linux/process.ts'
import type { Order, Plan, Talk } from './messages.ts'

export interface TalkersOptions extends Plan {
  readonly netns: Netns
}

/** Milliseconds that an answer may take on a busy machine. */
const PATIENCE_MS = 60_000

/** Many connections that stay and talk all the time, in a process of their own inside a network namespace. */
export class Talkers {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  static start({ netns, ...plan }: TalkersOptions): Talkers {
    return new Talkers(startScript('clients.ts', [JSON.stringify(plan satisfies Plan)], netns, 'pipe'))
  }

  /** Opens more, and returns when all of them are there or have failed. */
  open(connections: number): Promise<Talk> {
    return this.#order({ do: 'open', connections })
  }

  count(): Promise<Talk> {
    return this.#order({ do: 'count' })
  }

  /** Waits until each connection has had an answer to something that it asked since, and says which had none. */
  hear(patienceMs = PATIENCE_MS): Promise<Talk> {
    return this.#order({ do: 'hear', patienceMs })
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
export async function startTalkServer(netns: Netns, name: string, ...ports: readonly number[]): Promise<ChildProcess> {
  const child = startScript('server.ts', [name, ...ports.map(String)], netns, 'ignore')
  await once(child.stdout!, 'data')
  return child
}

function startScript(script: string, args: readonly string[], netns: Netns, stdin: 'pipe' | 'ignore'): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return start(process.execPath, ['--import', 'tsx', path, ...args], { netns, stdio: [stdin, 'pipe', 'inherit'] })
}
