import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { type AttachType, BpfError, type BpfMap, type Loaded, load, type Program } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { openMap } from '../entry/open.ts'
import { removePins, writing } from '../entry/pins.ts'
import { u32 } from '../entry/u32.ts'
import { answers } from '../generated/answers.ts'
import { cgroupRoot } from '../linux/cgroups.ts'
import type { Binding } from './binding.ts'
import type { LoadedSet } from './build-set.ts'
import { type Directory, destinationKey, destinationOf } from './directory.ts'
import { ANSWERS, detachLink, SENDMSG4, SENDMSG6 } from './pins.ts'

/** Maps that the programs share with those that find sockets. */
const SHARED = ['memberships', 'destinations', 'generations', 'sockets', 'flows'] as const

/** Its pin is the last to be made: with it all is there. */
const FLOWS = 'flows'

const ATTACHMENTS = [
  [SENDMSG4, 'answer4', 'cgroup_udp4_sendmsg'],
  [SENDMSG6, 'answer6', 'cgroup_udp6_sendmsg'],
] as const satisfies readonly (readonly [string, keyof (typeof answers)['programs'], AttachType])[]

/** Programs that note flows when servers answer, not attached yet. */
export interface PreparedAnswers {
  /** Attaches them at the root of the control groups, and pins them in a folder of state. They note nothing before {@link noteAnswers}. */
  attach(state: string): void
  close(): void
}

/**
 * Loads the programs for a set with bindings that note flows by answers; undefined if there are none, or the programs are there.
 *
 * @throws LinuxError CGROUP_MISSING
 */
export async function prepareAnswers(
  set: LoadedSet,
  wanted: readonly Binding[],
  state?: string,
): Promise<PreparedAnswers | undefined> {
  if (!wanted.some(notesAnswers)) return undefined
  if (state !== undefined && isAttachedTo(set.object.map(FLOWS), state)) return undefined
  const root = cgroupRoot()
  const reuse = Object.fromEntries(SHARED.map((name) => [name, set.object.map(name)]))
  const loaded = await load(answers, { reuse })
  return { attach: (folder) => attach(loaded, set, root, folder), close: () => loaded.close() }
}

/** Takes the programs away from the control groups. */
export function removeAnswers(state: string): void {
  const folder = join(state, ANSWERS)
  for (const [pin] of ATTACHMENTS) detachLink(join(folder, pin))
  removePins(folder)
}

/** Has flows be noted for just the destinations that bindings with this policy lead to. */
export function noteAnswers(state: string, bindings: readonly Binding[], { destinations }: Directory): void {
  if (!existsSync(join(state, ANSWERS))) return
  const wanted = new Set(bindings.filter(notesAnswers).map((one) => destinationKey(destinationOf(one))))
  const map = openMap(join(state, ANSWERS, 'answering'))
  try {
    for (const one of destinations) map.setRaw(u32(one.number), u32(wanted.has(destinationKey(one)) ? 1 : 0))
  } finally {
    map.close()
  }
}

/** Flows that were noted for destinations since the programs were attached, by their numbers. */
export function countNoted(state: string, destinations: readonly { readonly number: number }[]): Map<number, number> {
  const pin = join(state, ANSWERS, 'noted')
  if (!existsSync(pin)) return new Map()
  const map = openMap(pin)
  try {
    return new Map(destinations.map(({ number }) => [number, sum(map.getPerCpu(u32(number)) ?? [])]))
  } finally {
    map.close()
  }
}

const sum = (counts: readonly Uint8Array[]): number =>
  counts.reduce((all, raw) => all + Number(new DataView(raw.buffer, raw.byteOffset).getBigUint64(0, true)), 0)

const notesAnswers = ({ flows }: Binding): boolean => flows === 'answer'

/** A writer that died may have left programs with the flows of a set that never came into force. */
function isAttachedTo(flows: BpfMap, state: string): boolean {
  const pin = join(state, ANSWERS, FLOWS)
  if (!existsSync(pin)) return false
  const map = openMap(pin)
  try {
    return map.id === flows.id
  } finally {
    map.close()
  }
}

function attach({ maps, programs }: Loaded<typeof answers>, set: LoadedSet, root: string, state: string): void {
  removeAnswers(state)
  const folder = join(state, ANSWERS)
  writing(`make the folder "${folder}"`, () => mkdirSync(folder, { mode: 0o700 }))
  writing('pin the maps of answers', () => {
    for (const { map } of [maps.answering, maps.noted]) map.pin(join(folder, map.name))
  })
  const group = openSync(root, 'r')
  try {
    for (const [pin, key, type] of ATTACHMENTS) attachOne(programs[key], { root, group, type, pin: join(folder, pin) })
  } finally {
    closeSync(group)
  }
  writing('pin the flows', () => set.object.map(FLOWS).pin(join(folder, FLOWS)))
}

interface Place {
  readonly root: string
  /** Descriptor of the root. */
  readonly group: number
  readonly type: AttachType
  readonly pin: string
}

function attachOne(program: Program, { root, group, type, pin }: Place): void {
  const link = attaching(root, () => program.attachCgroup(group, type))
  try {
    writing('pin the link', () => link.pin(pin))
  } finally {
    link.close()
  }
}

function attaching<T>(root: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause
    throw new SeawallError(
      'SEAWALL_PERMISSION',
      `Cannot note answers at control group "${root}": ${cause.message} (wanted CAP_NET_ADMIN, and no program there that lets no other run beside it: bpftool cgroup tree)`,
      { cause },
    )
  }
}
