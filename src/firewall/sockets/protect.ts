import type { Attachment } from '../../bpf/index.ts'
import { descriptorOf, type NodeSocket } from '../../linux/node-sockets.ts'
import { parsePrefix } from '../../net/prefix.ts'
import type { MalformedPolicy, Rule } from '../../rules/ast.ts'
import { formatRule, parseRules } from '../../rules/index.ts'
import type { SetSource } from '../desired.ts'
import { filter } from './filter.ts'
import type { SocketCounters } from './socket-counters.ts'
import { SocketRules } from './socket-rules.ts'

export interface ProtectOptions {
  /** What becomes of packets that cannot be read; `drop` if it is not said. */
  readonly malformed?: MalformedPolicy
  /** Prefixes by name; rules call them `$name`. */
  readonly sets?: Readonly<Record<string, readonly string[]>>
}

/** Rules in front of sockets of this process. */
export interface Protection extends Disposable {
  counters(): SocketCounters
  /** Puts the same rules, with the same limits and counters, in front of another socket. */
  add(socket: NodeSocket): void
  /** Takes the rules away from all sockets that are still open. Does nothing the second time. */
  close(): void
}

/**
 * Puts rules in front of bound UDP sockets, listening TCP sockets (those they accept from then on have the rules, too), or connected
 * ones: what they drop never reaches the socket.
 *
 * @param rules as in the configuration, such as `limit 1k/s per ip.src if udp`
 * @throws RuleSyntaxError, RuleTypeError, CompileError; SeawallError SEAWALL_INPUT, SEAWALL_FULL; LinuxError SOCKET_GONE
 */
export async function protect(
  sockets: NodeSocket | readonly NodeSocket[],
  rules: string | readonly (string | Rule)[],
  options: ProtectOptions = {},
): Promise<Protection> {
  const sets = new Map(Object.entries(options.sets ?? {}).map(([name, prefixes]) => [name, inline(prefixes)]))
  const loaded = await SocketRules.load({
    rules: readRules(rules, [...sets.keys()]),
    sets,
    malformed: options.malformed ?? 'drop',
  })
  const protection = new NodeProtection(loaded)
  try {
    for (const socket of isList(sockets) ? sockets : [sockets]) protection.add(socket)
    return protection
  } catch (error) {
    protection.close()
    throw error
  }
}

const inline = (prefixes: readonly string[]): SetSource => ({ kind: 'inline', prefixes: prefixes.map(parsePrefix) })

const isList = (sockets: NodeSocket | readonly NodeSocket[]): sockets is readonly NodeSocket[] => Array.isArray(sockets)

function readRules(rules: string | readonly (string | Rule)[], sets: readonly string[]): Rule[] {
  if (typeof rules === 'string') return parseRules(rules, { sets })
  const texts = rules.map((rule) => (typeof rule === 'string' ? rule : formatRule(rule)))
  return parseRules(texts, { sets })
}

class NodeProtection implements Protection {
  readonly #rules: SocketRules
  readonly #attachments: Attachment[] = []

  constructor(rules: SocketRules) {
    this.#rules = rules
  }

  counters(): SocketCounters {
    return this.#rules.counters()
  }

  add(socket: NodeSocket): void {
    this.#attachments.push(filter(this.#rules, descriptorOf(socket)))
  }

  close(): void {
    for (const attachment of this.#attachments.splice(0)) attachment.close()
    this.#rules.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
