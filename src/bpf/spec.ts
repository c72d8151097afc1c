import type { Codec } from './codec.ts'
import type { MapKind } from './kinds.ts'

/** A map as generated code describes it. */
export interface MapSpec<K = unknown, V = unknown> {
  /** In the source. */
  readonly name: string
  readonly kind: MapKind
  readonly maxEntries: number
  readonly key: Codec<K>
  /** Of one CPU, for a per-CPU map. */
  readonly value: Codec<V>
}

/** A ring buffer whose events have a type in the source. */
export interface EventsSpec<E = unknown> {
  readonly name: string
  readonly kind: 'ringbuf'
  /** Bytes. */
  readonly maxEntries: number
  readonly event: Codec<E>
}

/** A map without typed keys and values: a ring buffer of anything, a queue. */
export interface RawMapSpec {
  readonly name: string
  readonly kind: MapKind
  readonly maxEntries: number
}

export interface ProgramSpec {
  readonly name: string
  /** `SEC("…")` of the source. */
  readonly section: string
}

/** Values in a section of global data, or one of them. */
export interface VariableSpec<T = unknown> {
  readonly section: '.rodata' | '.data' | '.bss'
  /** Bytes from the start of the section. */
  readonly offset: number
  readonly codec: Codec<T>
}

/** An object file as generated code describes it. */
export interface ObjectSpec {
  readonly name: string
  /** Path below the root of the package. */
  readonly object: string
  /** Hash of all layouts: an object file with another one is refused. */
  readonly layout: string
  readonly maps: Readonly<Record<string, MapSpec | EventsSpec | RawMapSpec>>
  readonly programs: Readonly<Record<string, ProgramSpec>>
  /** What can be set before the program is loaded, and never after. */
  readonly config?: VariableSpec
  /** Variables that can be read and written while programs run. */
  readonly globals?: Readonly<Record<string, VariableSpec>>
}
