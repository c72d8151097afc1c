import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Netns } from '../../src/linux/netns.ts'
import { type StartOptions, start } from '../../src/linux/process.ts'
import { Ordered } from '../ordered.ts'
import { untilReady } from '../ready.ts'
import type { Order, Plan, Talk } from './messages.ts'

export interface TalkersOptions extends Plan {
  readonly netns: Netns
}

/** Milliseconds that an answer may take on a busy machine. */
const PATIENCE_MS = 60_000

/** Many connections that stay and talk all the time, in a process of their own inside a network namespace. */
export class Talkers {
  readonly #clients: Ordered<Order, Talk>

  private constructor(clients: Ordered<Order, Talk>) {
    this.#clients = clients
  }

  static start({ netns, ...plan }: TalkersOptions): Talkers {
    const args = [JSON.stringify(plan satisfies Plan)]
    return new Talkers(new Ordered(startScript('clients.ts', args, { netns, stdio: ['pipe', 'pipe', 'inherit'] })))
  }

  /** Opens more, and returns when all of them are there or have failed. */
  open(connections: number): Promise<Talk> {
    return this.#clients.order({ do: 'open', connections })
  }

  count(): Promise<Talk> {
    return this.#clients.order({ do: 'count' })
  }

  /** Waits until each connection has had an answer to something that it asked since, and says which had none. */
  hear(patienceMs = PATIENCE_MS): Promise<Talk> {
    return this.#clients.order({ do: 'hear', patienceMs })
  }

  /** Closes all of them, and says what became of them. */
  async end(): Promise<Talk> {
    const talk = await this.#clients.order({ do: 'end' })
    await this.#clients.stop()
    return talk
  }

  close(): void {
    this.#clients.close()
  }
}

/**
 * Starts a server that answers with its name; it is there when this returns.
 *
 * @throws Error with what it said, if it cannot be there
 */
export async function startTalkServer(netns: Netns, name: string, ...ports: readonly number[]): Promise<ChildProcess> {
  const args = [name, ...ports.map(String)]
  const child = startScript('server.ts', args, { netns, stdio: ['ignore', 'pipe', 'pipe'] })
  await untilReady(child)
  return child
}

function startScript(script: string, args: readonly string[], options: StartOptions): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return start(process.execPath, ['--import', 'tsx', path, ...args], options)
}
