import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BpfMap } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { Handles } from '../entry/handles.ts'
import { findLive } from '../entry/live-generation.ts'
import { openMap } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { closest } from '../rules/suggest.ts'
import type { DesiredBalancer } from './desired.ts'
import { type BalancerState, type Manifest, readManifest, readState, writeState } from './manifest.ts'
import { deserialise } from './serialise.ts'

/** Folder of the balancer in a generation. */
export const PART = 'balancer'

/** The balancer in force, or of a generation, with its maps open. */
export class LiveBalancer {
  readonly folder: string
  readonly manifest: Manifest
  readonly desired: DesiredBalancer
  readonly #handles = new Handles()
  readonly #maps = new Map<string, BpfMap>()

  private constructor(folder: string) {
    this.folder = folder
    this.manifest = readManifest(folder)
    this.desired = deserialise(this.manifest.desired)
  }

  /** @throws SeawallError SEAWALL_STATE_VERSION */
  static open(folder: string): LiveBalancer {
    return new LiveBalancer(folder)
  }

  /** Folder of the balancer in force, if there is one. */
  static find(paths: Paths): string | undefined {
    const live = findLive(paths)
    const folder = live === undefined ? undefined : join(live.folder, PART)
    return folder !== undefined && existsSync(folder) ? folder : undefined
  }

  /** @throws SeawallError SEAWALL_NO_BALANCER if there is none. */
  static require(paths: Paths): string {
    const folder = LiveBalancer.find(paths)
    if (folder !== undefined) return folder
    throw new SeawallError(
      'SEAWALL_NO_BALANCER',
      'Cannot find a balancer in the kernel: the configuration in force has none (add "balancer" to it, then seawall apply)',
    )
  }

  get state(): BalancerState {
    return readState(this.folder)
  }

  save(state: BalancerState): void {
    writeState(this.folder, state)
  }

  map(name: string): BpfMap {
    const known = this.#maps.get(name)
    if (known !== undefined) return known
    const map = this.#handles.keep(openMap(join(this.folder, name)))
    this.#maps.set(name, map)
    return map
  }

  /** The rows of a pool, {current, previous} each, in the memory that packets are looked up in. */
  rows(pool: number): Uint16Array {
    const { buffer, byteOffset } = this.map('buckets').mmap()
    const { buckets } = this.desired
    return new Uint16Array(buffer, byteOffset + this.manifest.pools[pool]!.first * 4, buckets * 2)
  }

  /** Writes the rows of a pool that differ, each by one store, so that a packet sees all of it or nothing. */
  setRows(pool: number, rows: Uint16Array): void {
    const inForce = wordsOf(this.rows(pool))
    for (const [row, word] of wordsOf(rows).entries()) if (inForce[row] !== word) inForce[row] = word
  }

  /** @throws SeawallError SEAWALL_UNKNOWN_BACKEND */
  requireBackend(name: string): void {
    const names = Object.keys(this.manifest.backends)
    if (names.includes(name)) return
    const meant = closest(name, names)
    const remedy = meant === undefined ? 'see seawall backends' : `did you mean "${meant}"?`
    throw new SeawallError('SEAWALL_UNKNOWN_BACKEND', `Cannot find backend "${name}" (${remedy})`)
  }

  close(): void {
    this.#maps.clear()
    this.#handles.close()
  }
}

/** Rows as words {current, previous}, of the same memory. */
const wordsOf = ({ buffer, byteOffset, length }: Uint16Array): Uint32Array =>
  new Uint32Array(buffer, byteOffset, length / 2)
