import type { DesiredInterface } from '../../entry/interface-config.ts'
import type { Paths } from '../../entry/paths.ts'
import type { Config } from '../../generated/syncookies.ts'
import { findInterface } from '../../linux/interface.ts'
import { readSysctl } from '../../linux/sysctl.ts'

/** Bytes of the IP header without options, with those of TCP's, and of the timestamp in every later segment. */
const HEADERS4 = 40
const HEADERS6 = 60
const TIMESTAMP = 12
const ETHERNET_MTU = 1500
const MAX_WINDOW = 65_535
const MAX_WSCALE = 14

type Offer = Pick<
  Config,
  'mss4' | 'mss6' | 'window4' | 'window6' | 'wscale' | 'useWscale' | 'useSack' | 'useTimestamps' | 'useEcn'
>

/** What listeners of this namespace would put into a SYN-ACK, going by its interfaces and its kernel parameters. */
export function offerOf(paths: Paths, interfaces: readonly DesiredInterface[]): Offer {
  const number = (name: string, otherwise: number, part = 0): number =>
    Number(readSysctl(paths.netns, name)?.split(/\s+/)[part] ?? otherwise)
  const flag = (name: string): number => (number(name, 1) === 0 ? 0 : 1)
  const mtu = Math.min(...interfaces.map(({ name }) => mtuOf(paths, name)))
  const [mss4, mss6] = [mtu - HEADERS4, mtu - HEADERS6]
  return {
    mss4,
    mss6,
    window4: windowOf(mss4),
    window6: windowOf(mss6),
    wscale: windowScale(number('net.ipv4.tcp_rmem', 0, 2), number('net.core.rmem_max', 0)),
    useWscale: flag('net.ipv4.tcp_window_scaling'),
    useSack: flag('net.ipv4.tcp_sack'),
    useTimestamps: flag('net.ipv4.tcp_timestamps'),
    useEcn: flag('net.ipv4.tcp_ecn'),
  }
}

/** An interface that is away has the usual one. */
function mtuOf({ netns }: Paths, name: string): number {
  try {
    return Math.min(findInterface(netns, name).mtu, MAX_WINDOW)
  } catch {
    return ETHERNET_MTU
  }
}

const windowOf = (mss: number): number => Math.floor(MAX_WINDOW / (mss - TIMESTAMP)) * (mss - TIMESTAMP)

/** What the kernel works out again when the ACK comes: tcp_select_initial_window() in net/ipv4/tcp_output.c. */
export function windowScale(tcpRmemMax: number, rmemMax: number): number {
  const space = Math.max(tcpRmemMax, rmemMax, 1)
  return Math.min(Math.max(Math.floor(Math.log2(space)) - 15, 0), MAX_WSCALE)
}
