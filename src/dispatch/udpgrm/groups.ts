import { SeawallError } from '../../entry/errors.ts'
import { type Dissector, DissectorType, type Group } from '../../generated/udpgrm.ts'
import { type Address, addressBits, formatEndpoint, unmapped } from '../../net/address.ts'
import { type Prefix, prefixOf } from '../../net/prefix.ts'
import { ClassicError, checkClassic, decodeClassic, formatBytecode } from '../../rules/classic/index.ts'
import type { Binding } from '../binding.ts'
import { COOKIE_WANTED } from '../cookies/program-text.ts'
import { defaultPolicy, LONGEST_IDLE, type Policy } from '../policy.ts'

const AF_INET = 2
const BEGINNING = 'udpgrm-'

/** Has no sockets, and lets pass what it is bound for. */
export const OTHERS = `${BEGINNING}others`

/** Seconds that a flow is kept without a datagram unless the server says another, as udpgrm does. */
const USUAL_TIMEOUT = 125

/** What the sockets of a group are bound to. */
export function addressOf({ family, address }: Group): Address {
  const value = address.reduce((all, word) => (all << 32n) | BigInt(word), 0n)
  return family === AF_INET ? { family: 4, value: value >> 96n } : { family: 6, value }
}

/** `udpgrm-192.0.2.1:443`, or `udpgrm-[2001:db8::1]:443`. */
export const labelOf = (group: Group): string => BEGINNING + formatEndpoint(addressOf(group), group.port)

/** Whether servers have a label by options of udpgrm. */
export const isGroupLabel = (label: string): boolean => label === OTHERS || /^udpgrm-.*:\d+$/.test(label)

/**
 * What leads to a group: its address and port, or all addresses. Datagrams that find no socket which works go on as if nothing was bound, to
 * whatever socket of the group the kernel chooses.
 */
export function bindingsOf(group: Group, dissector: Dissector, dualStack: boolean): Binding[] {
  const policy = policyOf(dissector)
  return prefixesOf(addressOf(group), dualStack).map((prefix) => {
    const ports = { from: group.port, to: group.port }
    return { label: labelOf(group), protocol: 'udp', prefix, ports, ...policy }
  })
}

function policyOf({ type, timeout, filter, filterLength }: Dissector): Policy {
  const policy = { ...defaultPolicy, missing: 'pass' } as const
  if (type === DissectorType.DissectorCbpf)
    return { ...policy, flows: 'cookie', cookie: programText(filter.slice(0, filterLength)) }
  if (type !== DissectorType.DissectorFlow) return policy
  const idle = Math.min((timeout === 0 ? USUAL_TIMEOUT : timeout) * 1_000, LONGEST_IDLE)
  return { ...policy, flows: 'answer', idle }
}

function programText(filter: Dissector['filter']): string {
  try {
    return formatBytecode(checkClassic(filter.map(decodeClassic)))
  } catch (cause) {
    if (!(cause instanceof ClassicError)) throw cause
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot use the dissector that a server has set by an option of udpgrm: ${cause.message} (wanted ${COOKIE_WANTED})`,
      { cause },
    )
  }
}

function prefixesOf(address: Address, dualStack: boolean): Prefix[] {
  const { family, value } = address
  if (value === 0n) return (dualStack ? ([6, 4] as const) : [family]).map((one) => everything(one))
  return [hostOf(address)]
}

/** Of an address: sockets of IPv6 may be bound to one of IPv4, and have its datagrams. */
export function hostOf(address: Address): Prefix {
  const own = unmapped(address)
  return prefixOf(own, addressBits[own.family])
}

const everything = (family: 4 | 6): Prefix => prefixOf({ family, value: 0n }, 0)
