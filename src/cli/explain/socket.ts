import { type Binding, type BindingWords, bindingWords, type FullBindingWords } from '../../dispatch/binding.ts'
import { findBindings, type Target } from '../../dispatch/find-binding.ts'
import type { DestinationStatus } from '../../dispatch/types.ts'
import type { Dissection } from '../../net/dissect.ts'
import { addressesOf } from '../packets/summary.ts'
import type { Session } from '../session.ts'

/** What is known of dispatch where packets are explained. */
export interface DispatchFacts {
  readonly bindings: readonly Binding[]
  /** Undefined if only a configuration is known. */
  readonly destinations?: readonly DestinationStatus[]
}

/** Which binding a packet that passes has its socket by. */
export interface SocketExplanation {
  /** The binding that wins, if any matches. */
  readonly binding?: FullBindingWords
  /** Others that match, less specific ones. */
  readonly others: readonly FullBindingWords[]
  /** Open sockets of the label's working generation; absent if that is not known. */
  readonly sockets?: number
}

/** Undefined for what is no whole TCP or UDP packet. A connected socket of just this flow would come before. */
export function explainSocket(facts: DispatchFacts, packet: Dissection): SocketExplanation | undefined {
  const target = targetOf(packet)
  if (target === undefined) return undefined
  const [binding, ...others] = findBindings(facts.bindings, target).map(bindingWords)
  if (binding === undefined) return { others }
  const { family } = target.address
  const destination = facts.destinations?.find(
    (one) => one.label === binding.label && one.protocol === binding.protocol && one.family === family,
  )
  return {
    binding,
    others,
    ...(facts.destinations === undefined
      ? {}
      : { sockets: destination === undefined ? 0 : workingSockets(destination) }),
  }
}

/** As text: the winner, what becomes of the packet, and what else matches. */
export function formatSocket({ colors }: Session, { binding, others, sockets }: SocketExplanation): string {
  if (binding === undefined) return `no binding: ${WITHOUT}`
  const less = others.length === 0 ? '' : colors.dim(`; less specific: ${others.map(matchText).join(', ')}`)
  return `${colors.bold(binding.label)} by ${matchText(binding)}${outcome(sockets, binding)}${less}`
}

const workingSockets = ({ generation, sockets }: DestinationStatus): number =>
  sockets.filter((socket) => socket.generation === generation).length

const WITHOUT = 'whatever is bound to the address and port'

function outcome(sockets: number | undefined, { missing, spread }: FullBindingWords): string {
  if (sockets === undefined) return ''
  if (sockets > 0) return sockets === 1 ? ', 1 open socket' : `, one of ${sockets} open sockets by ${spread}`
  return missing === 'drop' ? ', no open socket: refused' : `, no open socket: ${WITHOUT}`
}

const matchText = ({ protocol, prefix, port }: BindingWords): string => `${protocol} ${prefix} ${port}`

function targetOf(packet: Dissection): Target | undefined {
  const addresses = packet.malformed === null ? addressesOf(packet) : undefined
  const { upper, view, l4 } = packet
  if (addresses === undefined || packet.fragment || (upper !== 'tcp' && upper !== 'udp')) return undefined
  return { protocol: upper, address: addresses.dst, port: view.getUint16(l4 + 2) }
}
