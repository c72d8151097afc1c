import { SeawallError } from '../entry/errors.ts'
import { NetError } from '../net/errors.ts'
import { formatPrefix, type Prefix, parsePrefix } from '../net/prefix.ts'
import { checkLabel } from './label.ts'
import { type FullPolicyWords, type Policy, type PolicyWords, parsePolicy, policyWords } from './policy.ts'
import { formatPorts, type Ports, parsePorts } from './ports.ts'

export type Protocol = 'tcp' | 'udp'

/** What leads somewhere: local addresses and ports of a protocol. */
export interface Match {
  readonly protocol: Protocol
  readonly prefix: Prefix
  readonly ports: Ports
}

/** Traffic for a match goes to the sockets of a label. */
export interface Binding extends Match, Policy {
  readonly label: string
}

/** A binding as words, which is how people write it and documents have it. */
export interface BindingWords extends PolicyWords {
  readonly label: string
  readonly protocol: string
  readonly prefix: string
  /** `443`, `20000-49999` or `any`. */
  readonly port: string
}

/** All words of a binding. */
export interface FullBindingWords extends Omit<BindingWords, keyof PolicyWords>, FullPolicyWords {}

/** @throws SeawallError SEAWALL_INPUT */
export function readBinding({ label, protocol: word, prefix, port, ...policy }: BindingWords): Binding {
  const protocol = parseProtocol(word)
  return {
    label: checkLabel(label),
    protocol,
    prefix: parseBindingPrefix(prefix),
    ports: parsePorts(port),
    ...parsePolicy(policy, protocol),
  }
}

/** @throws SeawallError SEAWALL_INPUT */
export function parseProtocol(text: string): Protocol {
  if (text === 'tcp' || text === 'udp') return text
  throw new SeawallError('SEAWALL_INPUT', `Cannot read protocol "${text}": wanted tcp or udp`)
}

/** `192.0.2.0/24`, or an address. @throws SeawallError SEAWALL_INPUT, also for IPv4 written as IPv6, which no packet has */
export function parseBindingPrefix(text: string): Prefix {
  try {
    const prefix = parsePrefix(text)
    if (!isMapped(prefix)) return prefix
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new SeawallError('SEAWALL_INPUT', cause.message, { cause })
  }
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot bind prefix "${text}": no packet has such an address, wanted IPv4 or IPv6 (write the IPv4 address by itself)`,
  )
}

/** `::ffff:0:0/96` has the IPv4 addresses as programs see them in sockets of IPv6. */
export const isMapped = ({ family, value, length }: Prefix): boolean =>
  family === 6 && length >= 96 && value >> 32n === 0xffffn

export function bindingWords({ label, protocol, prefix, ports, ...policy }: Binding): FullBindingWords {
  return { label, protocol, prefix: formatPrefix(prefix), port: formatPorts(ports), ...policyWords(policy) }
}

/** `tcp 192.0.2.0/24 443`: no two bindings have the same. */
export function formatMatch({ protocol, prefix, ports }: Match): string {
  return `${protocol} ${formatPrefix(prefix)} ${formatPorts(ports)}`
}

/** Reads {@link formatMatch}. @throws SeawallError SEAWALL_INPUT */
export function parseMatch(text: string): Match {
  const words = text.trim().split(/\s+/)
  const [protocol = '', prefix = '', port = ''] = words
  if (words.length === 3)
    return { protocol: parseProtocol(protocol), prefix: parseBindingPrefix(prefix), ports: parsePorts(port) }
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot read "${text}": wanted protocol, prefix and port (such as tcp 192.0.2.0/24 443)`,
  )
}
