import { existsSync, unlinkSync } from 'node:fs'
import { interfaceIndex } from '../bpf/ffi/interface-index.ts'
import { BpfError, type Link, type Program } from '../bpf/index.ts'
import { LinuxError } from '../linux/errors.ts'
import { findInterface, ip } from '../linux/interface.ts'
import { inNetns } from '../linux/netns.ts'
import { SeawallError } from './errors.ts'
import type { DesiredInterface } from './interface-config.ts'
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
 * Refuses names of a configuration that no interface has. One that is protected already may be away: it is attached when it is back.
 *
 * @throws SeawallError SEAWALL_INTERFACE, naming those that there are.
 */
export function findNewInterfaces(
  paths: Paths,
  wanted: readonly DesiredInterface[],
  before: readonly DesiredInterface[] = [],
): void {
  for (const { name } of wanted) {
    if (before.some((one) => one.name === name)) continue
    try {
      findInterface(paths.netns, name)
    } catch (cause) {
      if (!(cause instanceof LinuxError)) throw cause
      throw new SeawallError('SEAWALL_INTERFACE', `${cause.message} (correct "interfaces" in the configuration)`, {
        cause,
      })
    }
  }
}

interface Place {
  readonly name: string
  readonly ifindex: number
}

/** Attaches the entry program, native if the driver can and the configuration lets it. */
export function attach(paths: Paths, entry: Program, at: Place, mode: DesiredInterface['mode']): Attached {
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

function refused(at: Place, modes: readonly XdpMode[], cause: unknown): SeawallError {
  const busy = cause instanceof BpfError && isBusy(cause)
  const remedy = busy
    ? `another XDP program is there: ip link set dev ${at.name} xdp off removes it`
    : 'see seawall doctor for what its driver can do'
  return new SeawallError(
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

export interface LostInterface {
  readonly name: string
  /** Whether there is an interface of this name, which then is not the one that was attached. */
  readonly isThere: boolean
}

/** Interfaces whose attachment went with them. Cheap: it asks the kernel for no more than two numbers each. */
export function lostInterfaces(paths: Paths, also: readonly string[]): LostInterface[] {
  const names = [...new Set([...listLinks(paths), ...also])]
  const indexes = inNetns(paths.netns, () => names.map(interfaceIndex))
  return names.flatMap((name, i) => {
    const ifindex = indexes[i]!
    return ifindex !== 0 && ifindex === attachedIndex(paths, name) ? [] : [{ name, isThere: ifindex !== 0 }]
  })
}

function attachedIndex(paths: Paths, name: string): number {
  const pin = linkPin(paths, name)
  if (!existsSync(pin)) return 0
  const link = openLink(pin)
  try {
    return link.info().ifindex
  } finally {
    link.close()
  }
}

interface LinkJson {
  readonly ifname: string
  readonly ifindex: number
  readonly flags: readonly string[]
  readonly xdp?: { readonly mode: number; readonly prog?: { readonly id: number } }
  readonly stats64?: { readonly rx: { readonly packets: number; readonly bytes: number; readonly dropped: number } }
}

/** `XDP_ATTACHED_SKB` of linux/if_link.h. */
const ATTACHED_GENERIC = 2

const nothing: LinkJson = { ifname: '', ifindex: 0, flags: [] }

/** What became of every interface of the configuration, as the kernel tells it: attached means to this entry program, by a pinned link. */
export function interfaceStatus(paths: Paths, entryId: number, wanted: readonly DesiredInterface[]): InterfaceStatus[] {
  const pinned = new Set(listLinks(paths))
  const links = JSON.parse(ip(paths.netns, ['-json', '-details', '-stats', 'link', 'show'])) as LinkJson[]
  const there = new Map(links.map((link) => [link.ifname, link]))
  return wanted.map(({ name, mode }) => {
    const { ifindex, flags, xdp, stats64 } = there.get(name) ?? nothing
    const generic = xdp?.mode === ATTACHED_GENERIC
    const attached = xdp?.prog?.id === entryId && pinned.has(name)
    const note = attached ? fallbackNote(mode, generic) : missingNote(ifindex, xdp?.prog?.id)
    return {
      name,
      ifindex,
      mode: generic ? 'generic' : 'native',
      attached,
      up: flags.includes('UP'),
      ...(note === undefined ? {} : { note }),
      ...(stats64 === undefined ? {} : countsOf(stats64.rx)),
    }
  })
}

function countsOf(rx: NonNullable<LinkJson['stats64']>['rx']): Pick<InterfaceStatus, 'received' | 'missed'> {
  return { received: { packets: rx.packets, bytes: rx.bytes }, missed: rx.dropped }
}

function fallbackNote(mode: DesiredInterface['mode'], generic: boolean): string | undefined {
  return mode === 'auto' && generic ? 'the driver refused native XDP: packets cost more' : undefined
}

function missingNote(ifindex: number, program: number | undefined): string {
  if (ifindex === 0) return 'there is no such interface'
  return program === undefined ? 'no XDP program is attached' : `another XDP program (id ${program}) is attached`
}
