import { existsSync, unlinkSync } from 'node:fs'
import { BpfError, type Link, type Program } from '../bpf/index.ts'
import { LinuxError } from '../linux/errors.ts'
import { findInterface, type Interface, ip } from '../linux/interface.ts'
import { inNetns } from '../linux/netns.ts'
import type { DesiredInterface } from './desired.ts'
import { FirewallError } from './errors.ts'
import { openLink } from './open.ts'
import type { Paths } from './paths.ts'
import { linkPin, listLinks, writing } from './pins.ts'
import type { InterfaceStatus, XdpMode } from './types.ts'

/** An interface that was just attached; it is detached again when this process ends before the link is pinned. */
export interface Attached {
  readonly name: string
  readonly mode: XdpMode
  readonly link: Link
}

/**
 * Resolves the names of a configuration.
 *
 * @throws FirewallError SEAWALL_INTERFACE, naming those that there are.
 */
export function findInterfaces(paths: Paths, wanted: readonly DesiredInterface[]): Map<string, Interface> {
  const found = new Map<string, Interface>()
  for (const { name } of wanted) {
    try {
      found.set(name, findInterface(paths.netns, name))
    } catch (cause) {
      if (!(cause instanceof LinuxError)) throw cause
      throw new FirewallError('SEAWALL_INTERFACE', `${cause.message} (correct "interfaces" in the configuration)`, {
        cause,
      })
    }
  }
  return found
}

/** Attaches the entry program, native if the driver can and the configuration lets it. */
export function attach(paths: Paths, entry: Program, at: Interface, mode: DesiredInterface['mode']): Attached {
  const modes: readonly XdpMode[] = mode === 'auto' ? ['native', 'generic'] : [mode]
  const refusals: unknown[] = []
  for (const tried of modes) {
    try {
      // The index means something only inside the namespace.
      const link = inNetns(paths.netns, () => entry.attachXdp({ ifindex: at.ifindex, mode: tried }))
      return { name: at.name, mode: tried, link }
    } catch (cause) {
      if (!(cause instanceof BpfError)) throw cause
      refusals.push(cause)
      if (isBusy(cause)) break
    }
  }
  throw refused(at, modes, refusals.at(-1))
}

function isBusy(error: BpfError): boolean {
  return error.errno === 'EBUSY' || error.errno === 'EEXIST'
}

function refused(at: Interface, modes: readonly XdpMode[], cause: unknown): FirewallError {
  const busy = cause instanceof BpfError && isBusy(cause)
  const remedy = busy
    ? `another XDP program is there: ip link set dev ${at.name} xdp off removes it`
    : 'see seawall doctor for what its driver can do'
  return new FirewallError(
    'SEAWALL_INTERFACE',
    `Cannot attach to interface "${at.name}" in ${modes.join(' or ')} mode: ${cause instanceof Error ? cause.message : cause} (${remedy})`,
    { cause },
  )
}

/** Makes attachments last beyond this process. */
export function pinLink(paths: Paths, attached: Attached): void {
  writing(`pin the link of interface "${attached.name}"`, () => attached.link.pin(linkPin(paths, attached.name)))
}

/** Detaches what is pinned for an interface; the last packets in flight still see the program. */
export function detach(paths: Paths, name: string): void {
  const pin = linkPin(paths, name)
  if (!existsSync(pin)) return
  const link = openLink(pin)
  try {
    unlinkSync(pin)
    link.detach()
  } finally {
    link.close()
  }
}

interface LinkJson {
  readonly ifname: string
  readonly ifindex: number
  readonly xdp?: { readonly mode: number; readonly prog?: { readonly id: number } }
}

/** `XDP_ATTACHED_SKB` of linux/if_link.h. */
const ATTACHED_GENERIC = 2

/** What became of every interface of the configuration, as the kernel tells it: attached means to this entry program, by a pinned link. */
export function interfaceStatus(paths: Paths, entryId: number, wanted: readonly DesiredInterface[]): InterfaceStatus[] {
  const pinned = new Set(listLinks(paths))
  const links = JSON.parse(ip(paths.netns, ['-json', '-details', 'link', 'show'])) as LinkJson[]
  const there = new Map(links.map((link) => [link.ifname, link]))
  return wanted.map(({ name, mode }) => {
    const { ifindex, xdp } = there.get(name) ?? { ifindex: 0 }
    const generic = xdp?.mode === ATTACHED_GENERIC
    const attached = xdp?.prog?.id === entryId && pinned.has(name)
    const note = attached ? fallbackNote(mode, generic) : missingNote(ifindex, xdp?.prog?.id)
    return { name, ifindex, mode: generic ? 'generic' : 'native', attached, ...(note === undefined ? {} : { note }) }
  })
}

function fallbackNote(mode: DesiredInterface['mode'], generic: boolean): string | undefined {
  return mode === 'auto' && generic ? 'the driver refused native XDP: packets cost more' : undefined
}

function missingNote(ifindex: number, program: number | undefined): string {
  if (ifindex === 0) return 'there is no such interface'
  return program === undefined ? 'no XDP program is attached' : `another XDP program (id ${program}) is attached`
}
