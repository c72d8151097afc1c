import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Netns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'
import { Ordered } from '../ordered.ts'
import { untilReady } from '../ready.ts'
import type { Game, GameOrder, GamePlan } from './messages.ts'

export interface GameServerOptions {
  readonly netns: Netns
  /** It answers with it. */
  readonly name: string
  readonly port: number
  /** Addresses that it is bound to, with SO_REUSEPORT. */
  readonly hosts: readonly string[]
}

/**
 * Starts a server over UDP that knows its players; it is there when this returns.
 *
 * @throws Error with what it said, if it cannot be there
 */
export async function startGameServer({ netns, name, port, hosts }: GameServerOptions): Promise<ChildProcess> {
  const args = [scriptOf('server.py'), name, String(port), ...hosts]
  const child = start('python3', args, { netns, stdio: ['pipe', 'pipe', 'pipe'] })
  await untilReady(child)
  return child
}

/** Starts players, who do what they are told, in a process of their own inside a network namespace. */
export function startPlayers(netns: Netns, plan: GamePlan): Ordered<GameOrder, Game> {
  const args = ['--import', 'tsx', scriptOf('players.ts'), JSON.stringify(plan)]
  return new Ordered(start(process.execPath, args, { netns, stdio: ['pipe', 'pipe', 'inherit'] }))
}

const scriptOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
