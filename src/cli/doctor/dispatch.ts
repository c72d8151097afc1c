import { hasPort, isSingle, parsePorts } from '../../dispatch/ports.ts'
import type { BindingStatus, DestinationStatus } from '../../dispatch/types.ts'
import { SeawallError } from '../../entry/errors.ts'
import { readSysctl } from '../../linux/sysctl.ts'
import { openDispatch } from '../dispatch/open-dispatch.ts'
import type { Session } from '../session.ts'
import { type Finding, note, ok, warning } from './finding.ts'

/** What is known of dispatch. */
export interface DispatchReport {
  readonly bindings: readonly BindingStatus[]
  readonly destinations: readonly DestinationStatus[]
  /** `net.ipv6.ip_nonlocal_bind`; undefined if it cannot be read. */
  readonly nonlocalBind: string | undefined
}

/** Looks at bindings and sockets; finds nothing where there are none. */
export async function dispatchFindings(session: Session): Promise<Finding[]> {
  try {
    const dispatch = await openDispatch(session)
    const { destinations } = dispatch.status()
    const nonlocalBind = readSysctl(session.paths.netns, 'net.ipv6.ip_nonlocal_bind')
    return judgeDispatch({ bindings: await dispatch.bindings(), destinations, nonlocalBind })
  } catch (error) {
    if (error instanceof SeawallError && ['SEAWALL_NO_DISPATCH', 'SEAWALL_PERMISSION'].includes(error.code)) return []
    return [warning('dispatch', `cannot be read: ${(error as Error).message}`, 'see the problems above')]
  }
}

/** What is bound, and what clients will not get from it. */
export function judgeDispatch({ bindings, destinations, nonlocalBind }: DispatchReport): Finding[] {
  return [
    ok('dispatch', `${bindings.length} bindings to ${destinations.length} destinations`),
    ...destinations.flatMap((destination) => socketsOf(destination)),
    ...destinations.flatMap((destination) => replies(destination, bindings)),
    ...destinations.flatMap((destination) => answers(destination, bindings)),
    ...ipv6Replies(destinations, nonlocalBind),
  ]
}

function socketsOf({ label, protocol, family, bindings, sockets }: DestinationStatus): Finding[] {
  if (bindings === 0 || sockets.length > 0) return []
  const found = `it is bound for ${protocol} over IPv${family}, and has no open socket`
  return [warning(`dispatch.${label}`, found, `seawall register-pid PID ${label}, or start its server`)]
}

/** A reply by UDP leaves from the port that the socket is bound to, whatever the client asked. */
function replies(
  { label, protocol, family, sockets }: DestinationStatus,
  bindings: readonly BindingStatus[],
): Finding[] {
  if (protocol !== 'udp' || sockets.length === 0) return []
  const own = bindings.filter((one) => one.label === label && one.protocol === 'udp' && familyOf(one) === family)
  const other = own.find(({ port }) => !sockets.some((socket) => isOnly(port, socket.port)))
  if (other === undefined) return []
  const found = `${other.prefix} is bound at port ${other.port}, but replies of its sockets leave from port ${sockets[0]!.port}`
  return [warning(`dispatch.${label}.replies`, found, 'bind the socket to the port of the binding')]
}

/** Flows are known by what is sent from the registered sockets. */
function answers(
  { label, protocol, family, dispatched, kept, noted }: DestinationStatus,
  bindings: readonly BindingStatus[],
): Finding[] {
  const noting = bindings.some(
    (one) => one.label === label && one.protocol === protocol && familyOf(one) === family && one.flows === 'answer',
  )
  if (!noting || dispatched === 0 || kept + noted > 0) return []
  const found = `its sockets got ${dispatched} datagrams over IPv${family}, and none was answered from them: no client stays with its server`
  return [warning(`dispatch.${label}.answers`, found, 'have the server answer from the registered socket')]
}

/** Without an address on an interface, the kernel lets only such sockets send from it that ask for it. */
function ipv6Replies(destinations: readonly DestinationStatus[], nonlocalBind: string | undefined): Finding[] {
  const some = destinations.find(({ protocol, family, bindings }) => protocol === 'udp' && family === 6 && bindings > 0)
  if (some === undefined || nonlocalBind === '1') return []
  const found = `UDP over IPv6 is answered from addresses that are on no interface only by servers that set IPV6_FREEBIND ("${some.label}")`
  return [note('dispatch.ipv6', found)]
}

const familyOf = ({ prefix }: BindingStatus): 4 | 6 => (prefix.includes(':') ? 6 : 4)

function isOnly(text: string, port: number): boolean {
  const ports = parsePorts(text)
  return isSingle(ports) && hasPort(ports, port)
}
