import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type AttachType, BpfError, type Link, type Loaded, load, type Program } from '../../bpf/index.ts'
import { readDocument, writeDocument } from '../../entry/document.ts'
import { SeawallError } from '../../entry/errors.ts'
import { Handles } from '../../entry/handles.ts'
import { layoutOf } from '../../entry/layout.ts'
import { openMap } from '../../entry/open.ts'
import { removePins, writing } from '../../entry/pins.ts'
import { udpgrm } from '../../generated/udpgrm.ts'
import { cgroupRoot } from '../../linux/cgroups.ts'
import { LinuxError } from '../../linux/errors.ts'
import { type Netns, netnsCookie } from '../../linux/netns.ts'
import type { LoadedSet } from '../build-set.ts'
import { detachLink, GETSOCKOPT, SETSOCKOPT, UDPGRM } from '../pins.ts'

/** Where socket options of udpgrm are answered: path of a control group, `/` for all. */
export interface UdpgrmPlace {
  readonly cgroup: string
}

/** Where they are to be answered; nowhere if it is null, as it is if it is undefined. */
export type UdpgrmWish = UdpgrmPlace | null | undefined

/** Maps that the programs share with those that find sockets. */
const SHARED = ['memberships', 'destinations', 'generations', 'sockets', 'flows'] as const

/** What servers have asked for, which lasts however often the programs are replaced. */
const OWN = ['asked', 'groups', 'known', 'registered', 'requests', 'seen', 'working'] as const

const ATTACHMENTS = [
  [SETSOCKOPT, 'setOption', 'cgroup_setsockopt'],
  [GETSOCKOPT, 'getOption', 'cgroup_getsockopt'],
] as const satisfies readonly (readonly [string, keyof (typeof udpgrm)['programs'], AttachType])[]

const FLOWS = 'flows'
const PLACE = 'place'
const LAYOUT = layoutOf({ format: 1, udpgrm: udpgrm.layout })

interface PlaceDocument extends UdpgrmPlace {
  readonly layout: string
}

/** A change of where options are answered, not made yet. */
export interface PreparedUdpgrm {
  /** Makes it, in a folder of state. */
  commit(state: string): void
  /** Undoes what {@link commit} has begun to answer. */
  undo(state: string): void
  close(): void
}

/** Where a folder of state has options answered; undefined if nowhere, or if another version does it. */
export function udpgrmPlace(state: string): UdpgrmPlace | undefined {
  const folder = join(state, UDPGRM)
  if (!existsSync(join(folder, PLACE))) return undefined
  const { layout, cgroup } = readDocument(folder, PLACE) as PlaceDocument
  return layout === LAYOUT ? { cgroup } : undefined
}

/** Whether a folder of state has what is wished for. */
export function isUdpgrmAs(state: string, wish: UdpgrmWish): boolean {
  if (wish === undefined) return true
  if (wish === null) return !existsSync(join(state, UDPGRM))
  return udpgrmPlace(state)?.cgroup === wish.cgroup
}

/**
 * Loads the programs for a set of bindings, unless those that are there do; undefined if nothing is to change.
 *
 * @throws LinuxError CGROUP_MISSING
 */
export async function prepareUdpgrm(
  netns: Netns,
  set: LoadedSet,
  wish: UdpgrmWish,
  state?: string,
): Promise<PreparedUdpgrm | undefined> {
  const before = state === undefined ? undefined : udpgrmPlace(state)
  const place = wish === undefined ? before : wish
  if (place === undefined || place === null)
    return wish === null && state !== undefined && !isUdpgrmAs(state, null) ? removal : undefined
  if (state !== undefined && before?.cgroup === place.cgroup && hasFlows(set, state)) return undefined
  const group = groupFolder(place)
  const loaded = await loadPrograms(netns, set, before === undefined ? undefined : state)
  return {
    commit: (folder) => attach(loaded, set, { group, place, state: folder, isNew: before === undefined }),
    undo: (folder) => before === undefined && removeUdpgrm(folder),
    close: () => loaded.close(),
  }
}

/** Takes the programs away from the control group, and forgets what was asked. */
export function removeUdpgrm(state: string): void {
  const folder = join(state, UDPGRM)
  for (const [pin] of ATTACHMENTS) detachLink(join(folder, pin))
  removePins(folder)
}

const removal: PreparedUdpgrm = { commit: removeUdpgrm, undo: () => undefined, close: () => undefined }

function groupFolder({ cgroup }: UdpgrmPlace): string {
  const path = join(cgroupRoot(), cgroup)
  if (existsSync(path) && statSync(path).isDirectory()) return path
  throw new LinuxError(
    'CGROUP_MISSING',
    `Cannot answer options of udpgrm in control group "${cgroup}": there is no folder "${path}" [see systemd-cgls, or say udpgrm: true for all]`,
  )
}

/** Sets have other flows once there is room for them. */
function hasFlows(set: LoadedSet, state: string): boolean {
  const pin = join(state, UDPGRM, FLOWS)
  if (!existsSync(pin)) return false
  using flows = openMap(pin)
  return flows.id === set.object.map(FLOWS).id
}

async function loadPrograms(netns: Netns, set: LoadedSet, kept: string | undefined): Promise<Loaded<typeof udpgrm>> {
  const handles = new Handles()
  try {
    const shared = SHARED.map((name) => [name, set.object.map(name)] as const)
    const own = (kept === undefined ? [] : OWN).map(
      (name) => [name, handles.keep(openMap(join(kept!, UDPGRM, name)))] as const,
    )
    const reuse = Object.fromEntries([...shared, ...own])
    return await load(udpgrm, { config: { netnsCookie: netnsCookie(netns) }, reuse })
  } finally {
    handles.close()
  }
}

interface Attaching {
  /** Folder of the control group. */
  readonly group: string
  readonly place: UdpgrmPlace
  readonly state: string
  /** Nothing that was asked is kept. */
  readonly isNew: boolean
}

/** The new programs are there before the old ones go: who asks meanwhile is answered by one of them. */
function attach({ object, programs }: Loaded<typeof udpgrm>, set: LoadedSet, to: Attaching): void {
  const folder = join(to.state, UDPGRM)
  if (to.isNew) {
    removeUdpgrm(to.state)
    writing(`make the folder "${folder}"`, () => mkdirSync(folder, { mode: 0o700 }))
    for (const name of OWN) writing(`pin map "${name}"`, () => object.map(name).pin(join(folder, name)))
  }
  const group = openSync(to.group, 'r')
  try {
    for (const [pin, key, type] of ATTACHMENTS)
      replaceLink(join(folder, pin), () => attaching(to.group, programs[key], group, type))
  } finally {
    closeSync(group)
  }
  replacePin(join(folder, FLOWS), (pin) => set.object.map(FLOWS).pin(pin))
  writeDocument(folder, PLACE, { layout: LAYOUT, ...to.place } satisfies PlaceDocument)
}

function replaceLink(pin: string, make: () => Link): void {
  const link = make()
  try {
    replacePin(pin, (fresh) => link.pin(fresh), detachLink)
  } finally {
    link.close()
  }
}

/** Pins something in the place of what is pinned, which `leave` is called with first. */
function replacePin(pin: string, make: (pin: string) => void, leave: (pin: string) => void = () => undefined): void {
  const fresh = `${pin}-new`
  // Of a writer that died.
  if (existsSync(fresh)) rmSync(fresh)
  writing(`pin "${pin}"`, () => make(fresh))
  leave(pin)
  writing(`pin "${pin}"`, () => renameSync(fresh, pin))
}

function attaching(path: string, program: Program, group: number, type: AttachType): Link {
  try {
    return program.attachCgroup(group, type)
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause
    throw new SeawallError(
      'SEAWALL_PERMISSION',
      `Cannot answer options of udpgrm at control group "${path}": ${cause.message} (wanted CAP_NET_ADMIN, and no program there that lets no other run beside it: bpftool cgroup tree)`,
      { cause },
    )
  }
}
