import { Descriptor } from './descriptor.ts'
import { BpfError } from './errors.ts'
import * as libbpf from './ffi/libbpf.ts'
import { pageSize } from './ffi/libc.ts'
import { SharedMemory } from './ffi/memory.ts'
import { isPerCpu, MAP_KINDS, MapFlag, type MapKind, nameOf } from './kinds.ts'
import { deleteBatch, type MapBatch, readBatches, writeBatch } from './map-batch.ts'
import { check, kernelName, openPin, readName, refused, takeOver } from './result.ts'

/** What an update does if the key is there, or is not. */
export const Update = { any: 0, ifMissing: 1, ifPresent: 2 } as const

export interface MapDefinition {
  readonly kind: MapKind
  /** Shown by `bpftool map`; the kernel keeps 15 letters. */
  readonly name: string
  /** Bytes. */
  readonly keySize: number
  /** Bytes, for one CPU. */
  readonly valueSize: number
  /** Elements; for a ring buffer bytes, a power of two and at least a page. */
  readonly maxEntries: number
  /** Of {@link MapFlag}. */
  readonly flags?: number
  /** For maps of maps: a map like those that it will hold. */
  readonly inner?: BpfMap
}

const ENOENT = -2

/** Number of values that a per-CPU map has for a key. */
export const cpuCount: number = check(libbpf.possibleCpus(), 'count the CPUs of this machine')

/**
 * A map of the kernel, keys and values as bytes. A value of a per-CPU map is that of all CPUs, one after the other, each
 * {@link stride} bytes long.
 */
export class BpfMap {
  readonly name: string
  readonly kind: MapKind
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly id: number
  /** Bytes of one CPU's value, rounded up to 8; of the only value where there is but one. */
  readonly stride: number
  /** Bytes of the value of a key as user space sees it. */
  readonly rawSize: number
  readonly #descriptor: Descriptor
  #memory: SharedMemory | undefined

  /** @throws BpfError BPF_REFUSED */
  static create(definition: MapDefinition): BpfMap {
    const { kind, name, keySize, valueSize, maxEntries, flags = 0, inner } = definition
    const options = new DataView(new ArrayBuffer(48))
    options.setBigUint64(0, 48n, true)
    options.setUint32(24, inner?.fd ?? 0, true)
    options.setUint32(28, flags, true)
    const bytes = new Uint8Array(options.buffer)
    const fd = libbpf.mapCreate(MAP_KINDS[kind], kernelName(name), keySize, valueSize, maxEntries, bytes)
    return new BpfMap(check(fd, `create ${kind} map "${name}"`))
  }

  /** @throws BpfError BPF_REFUSED, BPF_KIND */
  static openPinned(path: string): BpfMap {
    return new BpfMap(openPin(path, 'bpf-map'))
  }

  /** @throws BpfError BPF_REFUSED */
  static openId(id: number): BpfMap {
    return new BpfMap(check(libbpf.mapById(id), `open map ${id}`))
  }

  /** Takes over a descriptor: it is closed with the map, or if this fails. */
  static adopt(fd: number): BpfMap {
    return new BpfMap(fd)
  }

  private constructor(fd: number) {
    const info = takeOver(fd)
    const kind = nameOf(MAP_KINDS, info.getUint32(0, true))
    this.name = readName(info, 24)
    this.#descriptor = new Descriptor(fd, `map "${this.name}"`)
    if (kind === undefined) {
      this.close()
      const found = `its kind is ${info.getUint32(0, true)}`
      throw new BpfError('BPF_KIND', '', `use map "${this.name}"`, `${found} (wanted one that this library knows)`)
    }
    this.kind = kind
    this.id = info.getUint32(4, true)
    this.keySize = info.getUint32(8, true)
    this.valueSize = info.getUint32(12, true)
    this.maxEntries = info.getUint32(16, true)
    this.flags = info.getUint32(20, true)
    this.stride = isPerCpu(kind) ? roundUp8(this.valueSize) : this.valueSize
    this.rawSize = isPerCpu(kind) ? this.stride * cpuCount : this.valueSize
  }

  /** @throws BpfError BPF_CLOSED */
  get fd(): number {
    return this.#descriptor.fd
  }

  /**
   * The value of a key, or undefined if it has none. Of a map of programs or maps it is the id of what is there.
   *
   * @throws BpfError BPF_REFUSED, BPF_SIZE, BPF_CLOSED
   */
  getRaw(key: Uint8Array): Uint8Array | undefined {
    this.#checkSize('key', key, this.keySize)
    const value = new Uint8Array(this.rawSize)
    const result = libbpf.mapLookup(this.fd, key, value)
    if (result === ENOENT) return undefined
    if (result < 0) throw refused(result, `read from map "${this.name}"`)
    return value
  }

  /** The values of a key of a per-CPU map, one a CPU. */
  getPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    const raw = this.getRaw(key)
    if (raw === undefined) return undefined
    return Array.from({ length: this.rawSize / this.stride }, (_, cpu) =>
      raw.subarray(cpu * this.stride, cpu * this.stride + this.valueSize),
    )
  }

  /**
   * Writes a value; into a map of programs or maps, the descriptor of one.
   *
   * @param flags of {@link Update}
   * @throws BpfError BPF_REFUSED, BPF_SIZE, BPF_CLOSED
   */
  setRaw(key: Uint8Array, value: Uint8Array, flags: number = Update.any): void {
    this.#checkSize('key', key, this.keySize)
    this.#checkSize('value', value, this.rawSize)
    const result = libbpf.mapUpdate(this.fd, key, value, flags)
    if (result < 0) throw refused(result, `write to map "${this.name}"`)
  }

  /** Returns false if the key was not there. */
  deleteRaw(key: Uint8Array): boolean {
    this.#checkSize('key', key, this.keySize)
    const result = libbpf.mapDelete(this.fd, key)
    if (result < 0 && result !== ENOENT) throw refused(result, `delete from map "${this.name}"`)
    return result !== ENOENT
  }

  /** All keys, in the order of the kernel. Under change, keys may be missed or come twice. */
  *keys(): Generator<Uint8Array, void> {
    let last: Uint8Array | null = null
    for (;;) {
      const next: Uint8Array = new Uint8Array(this.keySize)
      const result = libbpf.mapNextKey(this.fd, last, next)
      if (result === ENOENT) return
      check(result, `list the keys of map "${this.name}"`)
      yield next
      last = next
    }
  }

  /** Writes many elements with one call: keys one after the other, and values. The map must not be per CPU. */
  setBatch(keys: Uint8Array, values: Uint8Array): void {
    writeBatch(this, keys, values)
  }

  /** Deletes many elements with one call. All keys must be there. */
  deleteBatch(keys: Uint8Array): void {
    deleteBatch(this, keys)
  }

  /** All elements in batches of up to so many; other work of the process gets its turn between two. */
  batches(size = 4096): AsyncGenerator<MapBatch, void> {
    return readBatches(this, size)
  }

  /**
   * The memory of an array made with {@link MapFlag.mmapable}: what programs write is seen here at once, and the other way
   * round. Always the same view; zeros after {@link close}.
   *
   * @throws BpfError BPF_REFUSED, BPF_CLOSED
   */
  mmap(): Uint8Array {
    const { fd } = this
    if (this.#memory !== undefined) return this.#memory.bytes
    const visible = this.maxEntries * roundUp8(this.valueSize)
    const writable = (this.flags & MapFlag.readOnly) === 0
    const memory = SharedMemory.map(fd, roundUpToPage(visible), { visible, writable })
    if (typeof memory === 'number') throw refused(memory, `map the memory of map "${this.name}"`)
    this.#memory = memory
    return memory.bytes
  }

  /** A handle of its own for the same map. */
  clone(): BpfMap {
    return new BpfMap(this.#descriptor.duplicate())
  }

  /** From now on only programs may write. */
  freeze(): void {
    check(libbpf.mapFreeze(this.fd), `freeze map "${this.name}"`)
  }

  /** @throws BpfError BPF_REFUSED */
  pin(path: string): void {
    this.#descriptor.pin(path)
  }

  /** Does nothing the second time. Programs and pins keep the map alive. */
  close(): void {
    this.#memory?.close()
    this.#memory = undefined
    this.#descriptor.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #checkSize(what: string, bytes: Uint8Array, size: number): void {
    if (bytes.length === size) return
    const found = `its ${what} has ${bytes.length} bytes (wanted ${size})`
    throw new BpfError('BPF_SIZE', '', `use map "${this.name}"`, found)
  }
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function roundUpToPage(bytes: number): number {
  return Math.ceil(bytes / pageSize) * pageSize
}
