import { SeawallError } from '../../entry/errors.ts'
import type { Paths } from '../../entry/paths.ts'
import { findInterface, type Interface, ip, ipBatch } from '../../linux/interface.ts'
import { PrivateNetns } from '../../linux/private-netns.ts'
import { writeSysctl } from '../../linux/sysctl.ts'
import type { Sources } from './sources.ts'

/** The end of the cable on the side of this machine, where packets of checks come out. */
export const GATE = 'seawall-probe'

/** The end inside. */
const INSIDE = 'probe'

/** What all paths can carry of IPv6. */
const LEAST_MTU = 1_280

/** A network namespace for the sockets of checks, and the cable out of it. Both are gone when this process ends, in whatever way. */
export class Cable implements Disposable {
  readonly netns: PrivateNetns
  readonly gate: Interface
  readonly #paths: Paths

  /**
   * @param mtu of what goes through, bytes
   * @throws SeawallError SEAWALL_INTERFACE if there is a gate already; LinuxError
   */
  static lay(paths: Paths, { sources, mtu }: { readonly sources: Sources; readonly mtu: number }): Cable {
    const netns = PrivateNetns.create()
    try {
      connect(paths, netns, Math.max(LEAST_MTU, mtu))
      netns.run(() => setUp(sources))
      return new Cable(paths, netns)
    } catch (error) {
      netns.close()
      throw error
    }
  }

  private constructor(paths: Paths, netns: PrivateNetns) {
    this.#paths = paths
    this.netns = netns
    this.gate = findInterface(paths.netns, GATE)
  }

  close(): void {
    // The kernel would do it too, some time after the namespace is closed.
    ip(this.#paths.netns, ['link', 'delete', GATE])
    this.netns.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function connect({ netns }: Paths, inside: PrivateNetns, mtu: number): void {
  try {
    ipBatch(netns, [
      `link add ${GATE} mtu ${mtu} type veth peer name ${INSIDE} mtu ${mtu} netns ${inside.path}`,
      `link set ${GATE} addrgenmode none`,
      `link set ${GATE} up`,
    ])
  } catch (cause) {
    throw new SeawallError(
      'SEAWALL_INTERFACE',
      `Cannot make interface "${GATE}" for health checks: ${String(cause)} (does another agent run on this machine?)`,
      { cause },
    )
  }
}

/** Everything that is sent goes into the cable, whoever it is for; nobody needs to be asked for an address of Ethernet. */
function setUp(sources: Sources): void {
  // A port that is used again may have a connection that is about to be forgotten.
  writeSysctl(null, 'net.ipv4.tcp_tw_reuse', '1')
  ipBatch(null, [
    `link set ${INSIDE} arp off addrgenmode none`,
    ...(sources[4] === undefined ? [] : [`address add ${sources[4]}/32 dev ${INSIDE}`]),
    ...(sources[6] === undefined ? [] : [`address add ${sources[6]}/128 dev ${INSIDE} nodad`]),
    `link set ${INSIDE} up`,
    `route add default dev ${INSIDE}`,
    `route add ::/0 dev ${INSIDE}`,
  ])
}
