import { BpfError } from '../errors.ts'
import { MAP_KINDS, type MapKind, nameOf } from '../kinds.ts'
import { type BtfType, readBtf } from './btf.ts'
import { type ElfFile, readElf } from './elf.ts'
import { type Layout, layoutOf, refusePadding } from './layout.ts'

/** A map as the source defines it. */
export interface MapShape {
  readonly name: string
  readonly kind: MapKind
  readonly maxEntries: number
  readonly flags: number
  /** Undefined where user space has no keys: ring buffers, queues. */
  readonly key: Layout | undefined
  /** Of a ring buffer: its events, if the source tells their type. */
  readonly value: Layout | undefined
}

/** A global variable. */
export interface VariableShape {
  readonly name: string
  /** `.rodata`, `.data` or `.bss`. */
  readonly section: string
  /** Bytes from the start of the section. */
  readonly offset: number
  readonly layout: Layout
}

export interface ProgramShape {
  readonly name: string
  readonly section: string
}

/** What an object file says of itself, whatever the machine code; each list is sorted by name. */
export interface ObjectShape {
  readonly maps: readonly MapShape[]
  readonly variables: readonly VariableShape[]
  readonly programs: readonly ProgramShape[]
  /** Initial contents of the sections that `variables` are in. */
  readonly data: ReadonlyMap<string, Uint8Array>
}

const DATA = ['.rodata', '.data', '.bss']
/** In maps of these, user space reads and writes numbers (descriptors, ids, indexes). */
const OF_NUMBERS: readonly MapKind[] = [
  ...(['prog_array', 'array_of_maps', 'hash_of_maps', 'cgroup_array', 'perf_event_array'] as const),
  ...(['sockmap', 'sockhash', 'devmap', 'devmap_hash', 'cpumap', 'xskmap', 'reuseport_sockarray'] as const),
]
const WITHOUT_KEYS: readonly MapKind[] = ['ringbuf', 'user_ringbuf', 'queue', 'stack', 'bloom_filter']
const NUMBER: Layout = { kind: 'int', size: 4, signed: false, bigEndian: false }

/**
 * Reads an object file, purely: no kernel, no privileges, the same result everywhere.
 *
 * @throws BpfError BPF_OBJECT, LayoutError
 */
export function readObject(image: Uint8Array): ObjectShape {
  const elf = readElf(image)
  const btf = elf.sections.find(({ name }) => name === '.BTF')
  if (!btf) throw new BpfError('BPF_OBJECT', '', 'read an object file', 'it has no types (compile it with clang -g)')
  const reader = new ShapeReader(elf, readBtf(btf.bytes))
  return { maps: reader.maps(), variables: reader.variables(), programs: programsOf(elf), data: dataOf(elf) }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)

function programsOf({ sections, symbols }: ElfFile): ProgramShape[] {
  return symbols
    .filter(({ kind, section }) => kind === 'function' && sections[section]?.name !== '.text')
    .map(({ name, section }) => ({ name, section: sections[section]!.name }))
    .sort(byName)
}

function dataOf({ sections }: ElfFile): Map<string, Uint8Array> {
  const present = sections.filter(({ name, size }) => DATA.includes(name) && size > 0)
  return new Map(present.map(({ name, bytes, size }) => [name, bytes.length === size ? bytes : new Uint8Array(size)]))
}

class ShapeReader {
  readonly #elf: ElfFile
  readonly #types: readonly BtfType[]

  constructor(elf: ElfFile, types: readonly BtfType[]) {
    this.#elf = elf
    this.#types = types
  }

  maps(): MapShape[] {
    return this.#inSection('.maps')
      .map(({ name, type }) => this.#map(name, type))
      .sort(byName)
  }

  variables(): VariableShape[] {
    return DATA.flatMap((section) =>
      this.#inSection(section).map(({ name, type }) => {
        const layout = layoutOf(this.#types, type, `variable "${name}"`)
        return { name, section, offset: this.#offsetOf(name, section), layout }
      }),
    ).sort(byName)
  }

  #inSection(section: string): { name: string; type: number }[] {
    const found = this.#types.find(({ kind, name }) => kind === 'section' && name === section)
    if (found?.kind !== 'section') return []
    return found.variables.flatMap(({ type }) => {
      const variable = this.#types[type]
      return variable?.kind === 'variable' ? [{ name: variable.name, type: variable.type }] : []
    })
  }

  #offsetOf(name: string, section: string): number {
    const { sections, symbols } = this.#elf
    const symbol = symbols.find((one) => one.name === name && sections[one.section]?.name === section)
    if (symbol) return symbol.value
    throw new BpfError('BPF_OBJECT', '', `find variable "${name}"`, `section ${section} has no symbol of this name`)
  }

  #map(name: string, type: number): MapShape {
    const attributes = this.#attributes(name, type)
    const number = (attribute: string): number => this.#number(attributes.get(attribute))
    const kind = nameOf(MAP_KINDS, number('type'))
    if (!kind) throw new BpfError('BPF_OBJECT', '', `read map "${name}"`, `its type ${number('type')} is unknown here`)
    const [maxEntries, flags] = [number('max_entries'), number('map_flags')]
    const key = WITHOUT_KEYS.includes(kind) ? undefined : this.#part(name, kind, attributes, 'key')
    if (key) refusePadding(key, `map "${name}": key`)
    return { name, kind, maxEntries, flags, key, value: this.#part(name, kind, attributes, 'value') }
  }

  #part(
    map: string,
    kind: MapKind,
    attributes: ReadonlyMap<string, number>,
    part: 'key' | 'value',
  ): Layout | undefined {
    const pointer = this.#types[attributes.get(part) ?? 0]
    if (pointer?.kind === 'pointer') return layoutOf(this.#types, pointer.type, `map "${map}": ${part}`)
    if (kind === 'ringbuf' || kind === 'user_ringbuf') return undefined
    const size = this.#number(attributes.get(`${part}_size`))
    if (OF_NUMBERS.includes(kind) && (size === 4 || size === 0)) return NUMBER
    return size === 0 ? undefined : { kind: 'bytes', size }
  }

  /** The members of the struct that stands for a map: their types are what is said. */
  #attributes(map: string, id: number): ReadonlyMap<string, number> {
    const type = this.#types[id]
    if (type?.kind === 'typedef' || type?.kind === 'qualifier') return this.#attributes(map, type.type)
    if (type?.kind === 'struct') return new Map(type.members.map((member) => [member.name, member.type]))
    throw new BpfError(
      'BPF_OBJECT',
      '',
      `read map "${map}"`,
      'it is no struct of __uint and __type (see bpf_helpers.h)',
    )
  }

  /** `__uint(name, 5)` is a pointer to an array of 5. */
  #number(id: number | undefined): number {
    const pointer = id === undefined ? undefined : this.#types[id]
    const array = pointer?.kind === 'pointer' ? this.#types[pointer.type] : undefined
    return array?.kind === 'array' ? array.length : 0
  }
}
