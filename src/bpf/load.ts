import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { layoutHash } from './btf/layout-hash.ts'
import { type ObjectShape, readObject } from './btf/object-spec.ts'
import type { Codec } from './codec.ts'
import { BpfError } from './errors.ts'
import { Events } from './events.ts'
import { GlobalVariable } from './global-variable.ts'
import type { BpfMap } from './map.ts'
import { BpfObject } from './object.ts'
import type { Program } from './program.ts'
import type { EventsSpec, MapSpec, ObjectSpec, RawMapSpec, VariableSpec } from './spec.ts'
import { type TypedMap, typed } from './typed-map.ts'

type TypeOf<C> = C extends Codec<infer T> ? T : never
type ConfigOf<S extends ObjectSpec> = S extends { readonly config: { readonly codec: infer C } } ? TypeOf<C> : never

/** The handle of a map: typed if the source has types. */
export type MapHandle<M> = M extends { readonly event: infer E }
  ? Events<TypeOf<E>>
  : M extends { readonly key: infer K; readonly value: infer V }
    ? TypedMap<TypeOf<K>, TypeOf<V>>
    : BpfMap

/** How an object is loaded. */
export interface LoadOptions<S extends ObjectSpec> {
  /** Constants of the programs: what is not given keeps the value that the source has. */
  readonly config?: Partial<ConfigOf<S>>
  /** Other sizes of maps than the source has. */
  readonly maxEntries?: { readonly [M in keyof S['maps']]?: number }
  /** Existing maps to use in place of new ones. They stay their owner's. */
  readonly reuse?: { readonly [M in keyof S['maps']]?: BpfMap }
  /** The only programs to load; all unless told, but those of a section like `?xdp`. */
  readonly programs?: readonly (keyof S['programs'])[]
  /** The bytes of the object file, if they are not where the build puts them. */
  readonly image?: Uint8Array
}

/** An object in the kernel. Its handles are closed with it. */
export interface Loaded<S extends ObjectSpec> extends Disposable {
  readonly object: BpfObject
  readonly maps: { readonly [M in keyof S['maps']]: MapHandle<S['maps'][M]> }
  readonly programs: { readonly [P in keyof S['programs']]: Program }
  readonly globals: {
    readonly [G in keyof NonNullable<S['globals']>]: GlobalVariable<
      TypeOf<NonNullable<S['globals']>[G] extends { readonly codec: infer C } ? C : never>
    >
  }
  /** Does nothing the second time. */
  close(): void
}

/**
 * Loads an object file as generated code describes it, while the event loop goes on.
 *
 * @throws BpfError BPF_LAYOUT when the object file is not the one that the code was generated for; VerifierError; BpfError
 */
export async function load<const S extends ObjectSpec>(spec: S, options: LoadOptions<S> = {}): Promise<Loaded<S>> {
  const image = options.image ?? readImage(spec)
  const shape = readObject(image)
  checkLayout(spec, shape)
  const { maxEntries = {}, reuse = {}, programs } = options
  const object = await BpfObject.load(image, {
    name: spec.name,
    data: configured(spec, shape, options.config),
    maxEntries: bySourceName(spec.maps, maxEntries as Record<string, number>),
    reuse: bySourceName(spec.maps, reuse as Record<string, BpfMap>),
    ...(programs && { programs: programs.map((key) => spec.programs[key as string]!.name) }),
  })
  try {
    return handles(spec, object)
  } catch (cause) {
    object.close()
    throw cause
  }
}

/** Where the build puts object files, seen from the sources as from the package. */
function readImage({ object }: ObjectSpec): Uint8Array {
  const path = fileURLToPath(new URL(`../../${object}`, import.meta.url))
  try {
    return readFileSync(path)
  } catch (cause) {
    const detail = `it cannot be read (npm run build:bpf makes it)`
    throw new BpfError('BPF_OBJECT', '', `load object "${path}"`, detail, { cause })
  }
}

function checkLayout(spec: ObjectSpec, shape: ObjectShape): void {
  const found = layoutHash(shape)
  if (found === spec.layout) return
  const detail = `its layout is ${found}: wanted ${spec.layout} (npm run build:bpf, then tools/bpf2ts.ts)`
  throw new BpfError('BPF_LAYOUT', '', `load object "${spec.name}"`, detail)
}

/** The contents of the section with the constants, given ones in place. */
function configured(spec: ObjectSpec, shape: ObjectShape, given: unknown): Record<string, Uint8Array> {
  if (!spec.config || given === undefined) return {}
  const { section, offset, codec } = spec.config
  // Not slice(), which for a Buffer is no copy.
  const contents = new Uint8Array(shape.data.get(section)!)
  const view = new DataView(contents.buffer)
  codec.write(view, offset, { ...(codec.read(view, offset) as object), ...(given as object) })
  return { [section]: contents }
}

function bySourceName<T>(maps: ObjectSpec['maps'], values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [maps[key]!.name, value]))
}

function handles<S extends ObjectSpec>(spec: S, object: BpfObject): Loaded<S> {
  const rings: Disposable[] = []
  const close = (): void => {
    for (const ring of rings) ring[Symbol.dispose]()
    object.close()
  }
  const mapHandle = (map: MapSpec | EventsSpec | RawMapSpec): unknown => {
    const handle = handleOf(object.map(map.name), map)
    if (handle instanceof Events) rings.push(handle)
    return handle
  }
  const globals = Object.entries(spec.globals ?? {})
  const made = {
    object,
    maps: Object.fromEntries(Object.entries(spec.maps).map(([key, map]) => [key, mapHandle(map)])),
    programs: programsOf(spec, object),
    globals: Object.fromEntries(globals.map(([key, variable]) => [key, globalOf(object, variable)])),
    close,
    [Symbol.dispose]: close,
  }
  return made as Loaded<S>
}

/** A program that was not asked for is missed only by who uses it. */
function programsOf(spec: ObjectSpec, object: BpfObject): object {
  const programs = {}
  for (const [key, { name }] of Object.entries(spec.programs)) {
    Object.defineProperty(programs, key, { enumerable: object.programs.has(name), get: () => object.program(name) })
  }
  return programs
}

function handleOf(
  map: BpfMap,
  spec: MapSpec | EventsSpec | RawMapSpec,
): BpfMap | TypedMap<unknown, unknown> | Events<unknown> {
  if ('event' in spec) return new Events(map, spec.event)
  return 'key' in spec ? typed(map, spec.key, spec.value) : map
}

function globalOf(object: BpfObject, variable: VariableSpec): GlobalVariable<unknown> {
  return new GlobalVariable(object.map(variable.section), variable)
}
