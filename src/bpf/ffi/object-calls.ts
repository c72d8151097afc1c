import koffi from 'koffi'
import { duplicate } from './duplicate.ts'
import { addressOf, NativeMemory } from './memory.ts'

/** Address of a `struct bpf_object`, `bpf_map` or `bpf_program`; koffi cannot tell them apart, so none leaves this file. */
type Pointer = bigint

const library = koffi.load('libbpf.so.1')
const openMemory = library.func('void *bpf_object__open_mem(const void *image, size_t size, const void *opts)')
const load = library.func('int bpf_object__load(void *object)')
const close = library.func('void bpf_object__close(void *object)')
const nextMap = library.func('void *bpf_object__next_map(void *object, void *map)')
const nextProgram = library.func('void *bpf_object__next_program(void *object, void *program)')
const mapName = library.func('const char *bpf_map__name(void *map)')
const mapFd = library.func('int bpf_map__fd(void *map)')
const mapType = library.func('int bpf_map__type(void *map)')
const setMaxEntries = library.func('int bpf_map__set_max_entries(void *map, uint32_t count)')
const setValueSize = library.func('int bpf_map__set_value_size(void *map, uint32_t size)')
const setInitialValue = library.func('int bpf_map__set_initial_value(void *map, const void *data, size_t size)')
const reuseFd = library.func('int bpf_map__reuse_fd(void *map, int fd)')
const programName = library.func('const char *bpf_program__name(void *program)')
const programFd = library.func('int bpf_program__fd(void *program)')
const setAutoload = library.func('int bpf_program__set_autoload(void *program, bool load)')

const RINGBUF = 27
/** Bytes for the verifier's log: the most that all kernels take. */
const LOG_BYTES = (1 << 24) - 1
/** `struct bpf_object_open_opts` of libbpf 1.1. */
const OPTIONS_SIZE = 80
const OBJECT_NAME = 8
const LOG_BUFFER = 56
const LOG_SIZE = 64

export interface ObjectRequest {
  readonly image: Uint8Array
  readonly name: string
  /** Contents of sections of global data, such as `.rodata`. */
  readonly data: ReadonlyMap<string, Uint8Array>
  readonly maxEntries: ReadonlyMap<string, number>
  /** Descriptors of maps to use in place of new ones. */
  readonly reuse: ReadonlyMap<string, number>
  /** The only programs to load. */
  readonly programs: ReadonlySet<string> | undefined
}

export interface ObjectReply {
  /** 0, or the negated errno. */
  readonly result: number
  /** What the verifier said when it refused. */
  readonly log: string
  /** New descriptors by name: of global data the section's. */
  readonly maps: ReadonlyMap<string, number>
  readonly programs: ReadonlyMap<string, number>
}

/**
 * Opens an object, loads it on a thread of libuv's pool, takes descriptors of its own of all maps and programs, and closes it.
 * No address of libbpf's outlives this, so that handles can be closed in any order.
 */
export async function loadObject(request: ObjectRequest): Promise<ObjectReply> {
  // Kept by libbpf from open to load, so it must not be memory that the garbage collector moves or frees.
  const log = new NativeMemory(LOG_BYTES)
  try {
    const object = open(request, log)
    return typeof object === 'number' ? refusal(object, log) : await loadOpened(object, request, log)
  } finally {
    log.free()
  }
}

function refusal(result: number, log: NativeMemory): ObjectReply {
  return { result, log: log.text(), maps: new Map(), programs: new Map() }
}

function open(request: ObjectRequest, log: NativeMemory): Pointer | number {
  const [options, name] = [new Uint8Array(new ArrayBuffer(OPTIONS_SIZE)), Buffer.from(`${request.name}\0`)]
  const view = new DataView(options.buffer)
  view.setBigUint64(0, BigInt(OPTIONS_SIZE), true)
  view.setBigUint64(OBJECT_NAME, addressOf(name), true)
  view.setBigUint64(LOG_BUFFER, log.address, true)
  view.setBigUint64(LOG_SIZE, BigInt(log.size), true)
  const object = openMemory(request.image, request.image.length, options) as Pointer | null
  // Nothing may come between the call and this.
  return object || -koffi.errno()
}

async function loadOpened(object: Pointer, request: ObjectRequest, log: NativeMemory): Promise<ObjectReply> {
  try {
    const configured = configure(object, request)
    const result = configured < 0 ? configured : await loadOnThread(object)
    if (result < 0) return refusal(result, log)
    const programs = programsOf(object).filter(({ pointer }) => (programFd(pointer) as number) >= 0)
    return { result, log: '', maps: copies(mapsOf(object), mapFd), programs: copies(programs, programFd) }
  } finally {
    close(object)
  }
}

function loadOnThread(object: Pointer): Promise<number> {
  return new Promise((resolve, reject) => {
    load.async(object, (error: Error | null, result: number) => (error ? reject(error) : resolve(result)))
  })
}

/** @returns 0, or the first negated errno. */
function configure(object: Pointer, { data, maxEntries, reuse, programs }: ObjectRequest): number {
  const results: number[] = []
  for (const { name, pointer } of mapsOf(object)) {
    const [contents, entries, fd] = [data.get(name), maxEntries.get(name), reuse.get(name)]
    // libbpf takes the type of its events for the size of a value, which the kernel refuses.
    if (mapType(pointer) === RINGBUF) setValueSize(pointer, 0)
    if (contents) results.push(setInitialValue(pointer, contents, contents.length))
    if (entries !== undefined) results.push(setMaxEntries(pointer, entries))
    if (fd !== undefined) results.push(reuseFd(pointer, fd))
  }
  for (const { name, pointer } of programsOf(object)) {
    if (programs) results.push(setAutoload(pointer, programs.has(name)))
  }
  return results.find((result) => result < 0) ?? 0
}

interface Part {
  readonly name: string
  readonly pointer: Pointer
}

/** Global data goes by its section: libbpf puts the object's name before it. */
function mapsOf(object: Pointer): Part[] {
  return list(object, nextMap, (pointer) => {
    const name = mapName(pointer) as string
    return name.includes('.') ? name.slice(name.indexOf('.')) : name
  })
}

function programsOf(object: Pointer): Part[] {
  return list(object, nextProgram, (pointer) => programName(pointer) as string)
}

type Next = (object: Pointer, last: Pointer | null) => Pointer | null

function list(object: Pointer, next: Next, nameOf: (pointer: Pointer) => string): Part[] {
  const parts: Part[] = []
  for (let pointer = next(object, null); pointer; pointer = next(object, pointer)) {
    parts.push({ name: nameOf(pointer), pointer })
  }
  return parts
}

function copies(parts: readonly Part[], fdOf: (pointer: Pointer) => number): Map<string, number> {
  return new Map(parts.map(({ name, pointer }) => [name, duplicate(fdOf(pointer))]))
}
