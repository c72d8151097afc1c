import { hasFilter } from '../../bpf/ffi/socket.ts'
import { type Attachment, BpfError } from '../../bpf/index.ts'
import { SeawallError } from '../../entry/errors.ts'
import { isIpSocket } from '../../linux/process-sockets.ts'
import type { SocketRules } from './socket-rules.ts'

/**
 * Puts rules in front of an open socket.
 *
 * @throws SeawallError SEAWALL_INPUT if it is no UDP or TCP socket, or has a filter; SEAWALL_FULL if the program is larger than sockets may have
 */
export function filter(rules: SocketRules, socket: number): Attachment {
  if (!isIpSocket(socket)) {
    const message = `Cannot put rules in front of descriptor ${socket}: it is something else, wanted a UDP or TCP socket of IPv4 or IPv6`
    throw new SeawallError('SEAWALL_INPUT', message)
  }
  refuseFiltered(socket)
  try {
    return rules.program.attachSocket(socket)
  } catch (cause) {
    if (!(cause instanceof BpfError) || cause.errno !== 'ENOMEM') throw cause
    const message = `Cannot put rules in front of descriptor ${socket}: the program is larger than a socket may have [sysctl -w net.core.optmem_max=1048576, or fewer rules]`
    throw new SeawallError('SEAWALL_FULL', message, { cause })
  }
}

/** A socket has room for one filter, and what it was cannot be put back. @throws SeawallError SEAWALL_INPUT */
export function refuseFiltered(socket: number): void {
  if (!hasFilter(socket)) return
  const message = `Cannot put rules in front of descriptor ${socket}: the socket has a filter, wanted one without [it is its program's own, or see seawall sockets]`
  throw new SeawallError('SEAWALL_INPUT', message)
}
