import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { SeawallError } from '../entry/errors.ts'
import { defaultPaths } from '../entry/paths.ts'
import { DescriptorClient } from '../linux/descriptor-client.ts'
import { LinuxError } from '../linux/errors.ts'
import { descriptorOf, type NodeSocket } from '../linux/node-sockets.ts'
import { REGISTER } from './keeper.ts'

/** Milliseconds between two tries to reach an agent that has ended. */
const AGAIN_MS = 1_000

export interface JoinOptions {
  /** Folder of the agent's sockets; `/run/seawall` unless it is given. */
  readonly run?: string
}

/**
 * Passes sockets of this process to a label by the agent, which needs to be there and to let this process connect; other rights it needs none.
 *
 * @throws SeawallError SEAWALL_INPUT with the agent's reason; LinuxError SOCKET_GONE if there is no agent, or a socket is not open
 */
export async function joinLabel(
  label: string,
  sockets: NodeSocket | readonly NodeSocket[],
  { run = defaultPaths.run }: JoinOptions = {},
): Promise<LabelMember> {
  const all = Array.isArray(sockets) ? (sockets as readonly NodeSocket[]) : [sockets as NodeSocket]
  const member = new LabelMember(label, all, join(run, REGISTER))
  await member.join()
  return member
}

/**
 * A run of a server whose sockets a label has. Emits `drain` once another run gets what is new and nothing is left to accept: close the servers
 * then, and end when the connections have.
 */
export class LabelMember extends EventEmitter<{ drain: [] }> {
  readonly #label: string
  readonly #sockets: readonly NodeSocket[]
  readonly #path: string
  readonly #answers: ((answer: string) => void)[] = []
  #client: DescriptorClient | undefined
  #again: NodeJS.Timeout | undefined

  /** Not for users: {@link joinLabel} makes them. */
  constructor(label: string, sockets: readonly NodeSocket[], path: string) {
    super()
    this.#label = label
    this.#sockets = sockets
    this.#path = path
  }

  /** Not for users. */
  async join(): Promise<void> {
    const descriptors = this.#sockets.map(descriptorOf)
    this.#client = DescriptorClient.connect(this.#path, {
      onText: (text) => this.#hear(text),
      onEnd: () => this.#lost(),
    })
    await this.#ask(this.#label, descriptors)
  }

  /**
   * Says that this run is ready, for labels with `ready: notify`.
   *
   * @throws SeawallError SEAWALL_INPUT; LinuxError SOCKET_GONE while there is no agent
   */
  ready(): Promise<void> {
    return this.#ask('READY=1')
  }

  /** Is told nothing any more. The sockets stay the label's until they are closed. */
  leave(): void {
    clearTimeout(this.#again)
    this.#client?.close()
    this.#client = undefined
  }

  async #ask(text: string, descriptors: readonly number[] = []): Promise<void> {
    const client = this.#client
    if (client === undefined) throw new LinuxError('SOCKET_GONE', `Cannot send "${text}": the agent has ended`)
    client.send(text, descriptors)
    const answer = await new Promise<string>((resolve) => this.#answers.push(resolve))
    if (answer !== 'OK') throw new SeawallError('SEAWALL_INPUT', answer.replace(/^ERR /, ''))
  }

  #hear(text: string): void {
    if (text !== 'DRAIN') return void this.#answers.shift()?.(text)
    this.leave()
    this.emit('drain')
  }

  /** Another agent may come, as in an upgrade, and would not know whom to tell. */
  #lost(): void {
    this.#client = undefined
    for (const answer of this.#answers.splice(0)) answer(`Cannot register for "${this.#label}": the agent has ended`)
    this.#again = setTimeout(() => void this.#joinAgain(), AGAIN_MS)
    this.#again.unref()
  }

  async #joinAgain(): Promise<void> {
    try {
      await this.join()
    } catch {
      if (this.#client === undefined) this.#lost()
    }
  }
}
