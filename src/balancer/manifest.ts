import { readDocument, writeDocument } from '../entry/document.ts'
import { SeawallError } from '../entry/errors.ts'
import { layoutOf } from '../entry/layout.ts'
import { balancer } from '../generated/balancer.ts'
import type { Numbering } from './numbering.ts'
import type { Pool } from './pools.ts'
import type { SerialisedBalancer } from './serialise.ts'

/** A pool, and where its table is in the map `buckets`. */
export interface PlacedPool extends Pool {
  /** Its first row. */
  readonly first: number
}

/** What the balancer of a generation is. It does not change; what does is in its {@link BalancerState}. */
export interface Manifest {
  readonly layout: string
  readonly desired: SerialisedBalancer
  /** Numbers in rows of tables, and in the maps `backends` and `backend_counts`. */
  readonly backends: Numbering
  /** Numbers in the map `service_counts`. */
  readonly services: Numbering
  readonly pools: readonly PlacedPool[]
  /** Name of the backend that this machine is. */
  readonly self?: string
}

/** What operators and checks have said, and how far the tables have come. */
export interface BalancerState {
  /** Grows with every change of a table. */
  readonly version: number
  /** Who decided about the tables last. */
  readonly conductor?: string
  /** Backends that get no new flows, by an operator's wish. */
  readonly drained: readonly string[]
  /** Backends whose checks fail, by pool. */
  readonly dead: readonly (readonly string[])[]
  /** What load multiplies weights with, by pool and backend; 1 of what is not there. */
  readonly factors: readonly Readonly<Record<string, number>>[]
}

/** What an operator has said of a backend. */
export function withDrained(state: BalancerState, name: string, drained: boolean): BalancerState {
  const others = state.drained.filter((one) => one !== name)
  return { ...state, drained: drained ? [...others, name].sort() : others }
}

/** `format` is for changes of meaning that the layout does not show. */
const LAYOUT = layoutOf({ format: 2, balancer: balancer.layout })

const MANIFEST = 'manifest'
const STATE = 'state'

export function writeManifest(folder: string, manifest: Omit<Manifest, 'layout'>): void {
  writeDocument(folder, MANIFEST, { ...manifest, layout: LAYOUT })
}

/** @throws SeawallError SEAWALL_STATE_VERSION when another version wrote it. */
export function readManifest(folder: string): Manifest {
  const found = readDocument(folder, MANIFEST) as Manifest | undefined
  if (found?.layout === LAYOUT) return found
  throw new SeawallError(
    'SEAWALL_STATE_VERSION',
    `Cannot use the balancer's state in the kernel: it has layout ${found?.layout ?? 'unknown'}, wanted ${LAYOUT} ` +
      '(run seawall down, then seawall up; packets pass unbalanced in between)',
  )
}

export const writeState = (folder: string, state: BalancerState): void => writeDocument(folder, STATE, state)
export const readState = (folder: string): BalancerState => readDocument(folder, STATE) as BalancerState
