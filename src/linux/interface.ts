import { readdirSync, readFileSync } from 'node:fs'
import { command } from './command.ts'
import { LinuxError } from './errors.ts'
import type { Netns } from './netns.ts'

/** A network interface. An index alone means nothing: every namespace counts its own. */
export interface Interface {
  readonly netns: Netns
  readonly ifindex: number
  readonly name: string
}

/** What the kernel counted at an interface since it was made. */
export interface InterfaceCounters {
  readonly rxPackets: number
  readonly rxBytes: number
  readonly rxDropped: number
  readonly txPackets: number
  readonly txBytes: number
  readonly txDropped: number
}

export interface InterfaceState extends Interface {
  readonly up: boolean
  readonly mtu: number
  /** MAC address as text, empty when there is none. */
  readonly mac: string
  /** What made it, for example `veth`; empty for hardware. */
  readonly kind: string
  readonly counters: InterfaceCounters
}

interface LinkStats {
  readonly packets: number
  readonly bytes: number
  readonly dropped: number
}

interface LinkJson {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly address?: string
  readonly linkinfo?: { readonly info_kind?: string }
  readonly stats64?: { readonly rx: LinkStats; readonly tx: LinkStats }
}

/** Runs iproute2 inside a namespace. */
export function ip(netns: Netns, args: readonly string[]): string {
  return command('ip', netns === null ? args : ['-n', netns, ...args])
}

/** Runs many iproute2 commands, one a line, in one process; stops at the first that fails. */
export function ipBatch(netns: Netns, lines: readonly string[]): void {
  if (lines.length === 0) return
  const where = netns === null ? [] : ['-n', netns]
  command('ip', [...where, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** All interfaces of a namespace, by index. */
export function listInterfaces(netns: Netns): InterfaceState[] {
  const links = JSON.parse(ip(netns, ['-json', '-details', '-stats', 'link', 'show'])) as LinkJson[]
  return links.map((link) => state(netns, link)).sort((a, b) => a.ifindex - b.ifindex)
}

/**
 * One interface by its name.
 *
 * @throws LinuxError INTERFACE_MISSING, naming those that exist.
 */
export function findInterface(netns: Netns, name: string): InterfaceState {
  const all = listInterfaces(netns)
  const found = all.find((one) => one.name === name)
  if (found !== undefined) return found
  const where = netns === null ? '' : ` in namespace "${netns}"`
  throw new LinuxError(
    'INTERFACE_MISSING',
    `Cannot find interface "${name}"${where}: there are ${all.map((one) => one.name).join(', ')}`,
  )
}

function state(netns: Netns, link: LinkJson): InterfaceState {
  const { rx, tx } = link.stats64 ?? { rx: none, tx: none }
  return {
    netns,
    ifindex: link.ifindex,
    name: link.ifname,
    up: link.flags.includes('UP'),
    mtu: link.mtu,
    mac: link.address ?? '',
    kind: link.linkinfo?.info_kind ?? '',
    counters: {
      rxPackets: rx.packets,
      rxBytes: rx.bytes,
      rxDropped: rx.dropped,
      txPackets: tx.packets,
      txBytes: tx.bytes,
      txDropped: tx.dropped,
    },
  }
}

const none: LinkStats = { packets: 0, bytes: 0, dropped: 0 }

/**
 * Counters of one interface by name, from the driver's own list (`ethtool -S`), which for a veth tells what XDP
 * and its ring did. Empty when the driver has none.
 */
export function driverCounters(netns: Netns, name: string): Map<string, number> {
  const args = ['-S', name]
  const text = netns === null ? command('ethtool', args) : command('ip', ['netns', 'exec', netns, 'ethtool', ...args])
  const counters = new Map<string, number>()
  for (const match of text.matchAll(/^\s+(.+): (\d+)$/gm)) counters.set(match[1]!, Number(match[2]))
  return counters
}

/** Turns offloads of an interface on or off, for example `{ tx: 'off' }`. */
export function setOffloads(netns: Netns, name: string, offloads: Readonly<Record<string, 'on' | 'off'>>): void {
  const args = ['-K', name, ...Object.entries(offloads).flat()]
  if (netns === null) command('ethtool', args)
  else command('ip', ['netns', 'exec', netns, 'ethtool', ...args])
}

/** Writes one file of `/sys/class/net/<name>/`, as seen from inside the namespace. */
export function setInterfaceAttribute(netns: Netns, name: string, attribute: string, value: string): void {
  const script = ['sh', '-c', 'printf %s "$1" > "$2"', 'sh', value, `/sys/class/net/${name}/${attribute}`]
  if (netns === null) command(script[0]!, script.slice(1))
  else command('ip', ['netns', 'exec', netns, ...script])
}

/**
 * Lets kernel threads do the receive work of an interface (threaded NAPI), so that it can be pinned and its CPU time read.
 * The interface must have NAPI instances by then: a veth has them while GRO is on or an XDP program is attached.
 *
 * @returns the ids of the new kernel threads.
 */
export function threadNapi(netns: Netns, name: string): number[] {
  const before = new Set(napiThreads(name))
  setInterfaceAttribute(netns, name, 'threaded', '1')
  return napiThreads(name).filter((pid) => !before.has(pid))
}

/** Ids of the NAPI kernel threads of all interfaces of this name, in every namespace. */
export function napiThreads(name: string): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return pids.filter((pid) => comm(pid).startsWith(`napi/${name}-`)).map(Number)
}

function comm(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8')
  } catch {
    return ''
  }
}
