import { join } from 'node:path'
import { type BpfMap, cpuCount, type Loaded, load } from '../bpf/index.ts'
import { writing } from '../entry/pins.ts'
import { Binding4, Binding6, dispatch, Missing, Range } from '../generated/dispatch.ts'
import { assignCounters, type Counters } from './counters.ts'
import type { ActiveBinding } from './desired.ts'
import { type Directory, destinationKey, destinationOf } from './directory.ts'
import { fillShapes, type Layout, layOut, type PlacedBinding } from './lay-out.ts'
import type { LiveDispatch } from './live.ts'
import { writeManifest } from './manifest.ts'
import type { MissingPolicy } from './policy.ts'
import { type Steering, steer } from './steering.ts'

export type LoadedSet = Loaded<typeof dispatch>

const POLICIES: Readonly<Record<MissingPolicy, Missing>> = { drop: Missing.Drop, pass: Missing.Pass }

/** Room for a million UDP flows, and for the places that the kernel sets aside for each CPU. */
const FLOW_PLACES = 2 ** 20

/** Maps of a set, beside those of what was counted earlier. */
const PINNED = ['bindings4', 'bindings6', 'ranges', 'binding_counts', 'flows'] as const

/** Pin of what was counted until the map became too small. */
export const earlierPin = (number: number): string => `earlier-${number}`

/** Loads a program with all bindings, which have no conflicts, and pins it with its maps in a folder. It is not in force by that. */
export async function buildSet(
  folder: string,
  wanted: readonly ActiveBinding[],
  directory: Directory,
  before: LiveDispatch | undefined,
): Promise<LoadedSet> {
  const counters = assignCounters(wanted, before?.manifest)
  const steering = steer(wanted)
  const layout = layOut(place(counters, directory, steering))
  const counts = before?.map('binding_counts')
  const grows = counts !== undefined && counts.maxEntries < counters.capacity * cpuCount
  const loaded = await loadProgram(layout, counters, steering, before, grows ? undefined : counts)
  try {
    const { bindings4, bindings6, ranges, bindingCounts } = loaded.maps
    bindings4.map.mmap().set(layout.table4)
    bindings6.map.mmap().set(layout.table6)
    ranges.map.mmap().set(layout.ranges)
    pinSet(loaded, folder)
    const earlier = before === undefined ? [] : keepEarlier(before, folder, grows)
    for (const map of [bindingCounts.map, ...earlier]) clearCounters(map, counters.stale)
    writeManifest(folder, { bindings: counters.bindings, counters: counters.used, earlier: earlier.length })
    return loaded
  } catch (error) {
    loaded.close()
    throw error
  }
}

function place(counters: Counters, directory: Directory, steering: Steering): PlacedBinding[] {
  const numbers = new Map(directory.destinations.map((one) => [destinationKey(one), one.number]))
  return counters.bindings.map(({ counter, ...binding }) => ({
    ...binding,
    choice: {
      destination: numbers.get(destinationKey(destinationOf(binding)))!,
      counter,
      missing: POLICIES[binding.missing],
      steering: steering.of(binding),
    },
  }))
}

function loadProgram(
  { table4, table6, ranges, shapes4, shapes6 }: Layout,
  { capacity }: Counters,
  steering: Steering,
  before: LiveDispatch | undefined,
  counts: BpfMap | undefined,
): Promise<LoadedSet> {
  const flows = keptFlows(steering, before)
  const reuse =
    before === undefined
      ? {}
      : {
          sockets: before.lasting('sockets'),
          memberships: before.lasting('memberships'),
          destinations: before.lasting('destinations'),
          generations: before.lasting('generations'),
          destinationCounts: before.lasting('destination_counts'),
          quicGroups: before.lasting('quic_groups'),
          quicCounts: before.lasting('quic_counts'),
          ...(counts === undefined ? {} : { bindingCounts: counts }),
          ...(flows === undefined ? {} : { flows }),
        }
  return load(dispatch, {
    config: {
      mask4: table4.length / Binding4.size - 1,
      mask6: table6.length / Binding6.size - 1,
      counters: counts === undefined ? capacity : counts.maxEntries / cpuCount,
      shapes4: fillShapes(4, shapes4),
      shapes4Count: shapes4.length,
      shapes6: fillShapes(6, shapes6),
      shapes6Count: shapes6.length,
      flowIdle: steering.idle,
    },
    maxEntries: {
      bindings4: table4.length / Binding4.size,
      bindings6: table6.length / Binding6.size,
      ranges: ranges.length / Range.size,
      ...(counts === undefined ? { bindingCounts: capacity * cpuCount } : {}),
      ...(flows === undefined ? { flows: steering.keepsFlows ? FLOW_PLACES : 1 } : {}),
    },
    reuse,
  })
}

/** Flows that there are stay, and the room for them, once there is some. */
function keptFlows({ keepsFlows }: Steering, before: LiveDispatch | undefined): BpfMap | undefined {
  const flows = before?.map('flows')
  return flows === undefined || (keepsFlows && flows.maxEntries < FLOW_PLACES) ? undefined : flows
}

function pinSet({ object, programs }: LoadedSet, folder: string): void {
  for (const name of PINNED) writing(`pin map "${name}"`, () => object.map(name).pin(join(folder, name)))
  writing('pin the program', () => programs.dispatch.pin(join(folder, 'program')))
}

/** Keeps what was counted until now: bindings go on to count in the old map until the program is replaced. */
function keepEarlier(before: LiveDispatch, folder: string, grows: boolean): BpfMap[] {
  const names = Array.from({ length: before.manifest.earlier }, (_, number) => earlierPin(number))
  if (grows) names.push('binding_counts')
  const maps = names.map((name) => before.map(name))
  for (const [number, map] of maps.entries()) map.pin(join(folder, earlierPin(number)))
  return maps
}

/** Nobody counts there yet, and nobody does any more. */
function clearCounters(map: BpfMap, slots: readonly number[]): void {
  for (const counts of countsOf(map)) for (const slot of slots) counts[slot] = 0n
}

/** What each CPU has counted, by counter: memory that programs write. */
export function countsOf(map: BpfMap): BigUint64Array[] {
  const { buffer, byteOffset } = map.mmap()
  const counters = map.maxEntries / cpuCount
  return Array.from(
    { length: cpuCount },
    (_, cpu) => new BigUint64Array(buffer, byteOffset + cpu * counters * 8, counters),
  )
}
