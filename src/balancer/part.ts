import { join } from 'node:path'
import { type BpfMap, type Loaded, load, type Program } from '../bpf/index.ts'
import type { BuiltPart, Part, PartFolders, PartPlace } from '../entry/part.ts'
import type { Paths } from '../entry/paths.ts'
import { writing } from '../entry/pins.ts'
import type { Change } from '../entry/types.ts'
import { u32 } from '../entry/u32.ts'
import { Backend, balancer, Stage } from '../generated/balancer.ts'
import type { DesiredBalancer } from './desired.ts'
import { changesOf } from './diff.ts'
import type { TableDocument } from './fleet/document.ts'
import { type Identity, identify } from './identity.ts'
import { keysOf } from './keys.ts'
import { type Layout, layOutTables } from './layout.ts'
import { LiveBalancer, PART } from './live.ts'
import { readManifest, writeManifest, writeState } from './manifest.ts'
import { findWays } from './next-hops.ts'
import { programConfig } from './program-config.ts'
import { deserialise, serialise } from './serialise.ts'
import { layOut, type Slots, slotOf } from './service-slots.ts'
import { balancerWarnings } from './warnings.ts'

/** Counters that go on from generation to generation. */
const LASTING = ['service_counts', 'backend_counts', 'outcomes'] as const

const PINNED = [...LASTING, 'services', 'backends', 'buckets', 'server_ids', 'stages'] as const

/** Rows in an element of the map `buckets`. */
const ROWS_A_LINE = 16

/** Bytes from an element of the map `server_ids` to the next. */
const SERVER_ID_STRIDE = 8

interface Wanted {
  readonly desired: DesiredBalancer | undefined
  readonly seed: TableDocument | undefined
}

/** The balancer of a generation: as a configuration wants it, or, without one, as a generation had it. */
export class BalancerPart implements Part {
  readonly name = PART
  readonly inPath = true
  readonly #paths: Paths
  readonly #wanted: Wanted | undefined

  private constructor(paths: Paths, wanted?: Wanted) {
    this.#paths = paths
    this.#wanted = wanted
  }

  /** Of a configuration, which may have none. `seed`: the fleet's tables, for who has none of his own. */
  static of(paths: Paths, desired: DesiredBalancer | undefined, seed?: TableDocument): BalancerPart {
    return new BalancerPart(paths, { desired, seed })
  }

  /** The one that is there, when something else changes or comes back. */
  static kept(paths: Paths): BalancerPart {
    return new BalancerPart(paths)
  }

  isWanted({ source }: PartFolders): boolean {
    return this.#wanted === undefined ? source !== undefined : this.#wanted.desired !== undefined
  }

  async changes(live: string | undefined): Promise<readonly Change[]> {
    if (this.#wanted === undefined) return []
    return changesOf(live === undefined ? undefined : deserialise(readManifest(live).desired), this.#wanted.desired)
  }

  warnings(): readonly string[] {
    const desired = this.#wanted?.desired
    return desired === undefined ? [] : balancerWarnings(this.#paths, desired)
  }

  async build({ folder, live, source }: PartPlace): Promise<BuiltPart> {
    const desired = this.#wanted?.desired ?? deserialise(readManifest(source!).desired)
    const before = live === undefined ? undefined : LiveBalancer.open(live)
    try {
      const layout = layOutTables(desired, before, this.#wanted?.seed)
      const identity = identify(this.#paths, desired)
      const loaded = await loadProgram(desired, layout, identity, before)
      this.#fill(loaded, desired, layout, await findWays(this.#paths, layout.known))
      pinAll(loaded, folder)
      const { self } = identity
      const { backends, services, pools, state } = layout
      writeManifest(folder, {
        desired: serialise(desired),
        backends,
        services,
        pools,
        ...(self === undefined ? {} : { self }),
      })
      writeState(folder, state)
      return builtPart(loaded)
    } finally {
      before?.close()
    }
  }

  #fill(
    { maps }: Loaded<typeof balancer>,
    desired: DesiredBalancer,
    layout: Layout,
    ways: ReadonlyMap<string, Uint8Array>,
  ): void {
    maps.buckets.map.mmap().set(new Uint8Array(layout.rows.buffer))
    maps.services.map.mmap().set(slotsOf(desired, layout).bytes)
    const serverIds = maps.serverIds.map.mmap()
    const ids = new DataView(serverIds.buffer, serverIds.byteOffset)
    const backends = maps.backends.map.mmap()
    for (const { name, serverId } of layout.known) {
      const number = layout.backends[name]!
      backends.set(ways.get(name)!, number * Backend.size)
      if (desired.backends.some((one) => one.name === name)) ids.setUint16(serverId * SERVER_ID_STRIDE, number, true)
    }
  }
}

/** The slots of all keys, as the data plane finds them. */
function slotsOf(desired: DesiredBalancer, { services, pools }: Layout): Slots {
  const firstRows = new Map(pools.flatMap((pool) => pool.services.map((id) => [id, pool.first] as const)))
  const places = { index: (id: string) => services[id]!, firstRow: (id: string) => firstRows.get(id)! }
  return layOut(keysOf(desired.services).map((key) => slotOf(key, places)))
}

/** Counters go on; all else is of this generation alone. */
async function loadProgram(
  desired: DesiredBalancer,
  layout: Layout,
  identity: Identity,
  before: LiveBalancer | undefined,
): Promise<Loaded<typeof balancer>> {
  const reuse: { [M in keyof typeof balancer.maps]?: BpfMap } =
    before === undefined
      ? {}
      : {
          serviceCounts: before.map('service_counts'),
          backendCounts: before.map('backend_counts'),
          outcomes: before.map('outcomes'),
        }
  const { size } = slotsOf(desired, layout)
  return load(balancer, {
    config: programConfig(desired, identity, { backends: layout.backends, slots: size }),
    maxEntries: { buckets: layout.rows.length / 2 / ROWS_A_LINE, services: size },
    reuse,
  })
}

function pinAll({ object, programs }: Loaded<typeof balancer>, folder: string): void {
  for (const name of PINNED) writing(`pin map "${name}"`, () => object.map(name).pin(join(folder, name)))
  writing('pin the program', () => programs.balancer.pin(join(folder, 'program')))
}

function builtPart({ maps, programs, close }: Loaded<typeof balancer>): BuiltPart {
  const goOnWith = (next: Program): void => maps.stages.map.setRaw(u32(Stage.SynCookies), u32(next.fd))
  return { stage: { program: programs.balancer, goOnWith }, close }
}
