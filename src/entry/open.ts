import { BpfError, BpfMap, Link, Program } from '../bpf/index.ts'
import { SeawallError } from './errors.ts'

/** Opens what is pinned at a path. The kernel wants write access to the file system for it. */
export const openMap = (pin: string): BpfMap => opening(pin, () => BpfMap.openPinned(pin))
export const openProgram = (pin: string): Program => opening(pin, () => Program.openPinned(pin))
export const openLink = (pin: string): Link => opening(pin, () => Link.openPinned(pin))

function opening<T>(pin: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause
    const denied = cause.errno === 'EACCES' || cause.errno === 'EPERM'
    const remedy = denied ? 'run as root' : 'see the mount of the BPF file system; seawall down removes what is broken'
    throw new SeawallError(
      denied ? 'SEAWALL_PERMISSION' : 'SEAWALL_BPFFS',
      `Cannot open the state at "${pin}": ${cause.message} (${remedy})`,
      { cause },
    )
  }
}
