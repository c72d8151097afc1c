import { type Codec, decode, encode } from './codec.ts'
import { BpfError } from './errors.ts'
import type { BpfMap } from './map.ts'

/**
 * Gives a map typed keys and values.
 *
 * @throws BpfError BPF_SIZE when the codecs do not have the sizes of the map.
 */
export function typed<K, V>(map: BpfMap, key: Codec<K>, value: Codec<V>): TypedMap<K, V> {
  return new TypedMap(map, key, value)
}

/** A map with typed keys and values; of a per-CPU map, {@link getPerCpu} gives one value a CPU. */
export class TypedMap<K, V> {
  readonly map: BpfMap
  readonly #key: Codec<K>
  readonly #value: Codec<V>

  constructor(map: BpfMap, key: Codec<K>, value: Codec<V>) {
    if (key.size !== map.keySize || value.size !== map.valueSize) {
      const [found, wanted] = [`${key.size} and ${value.size}`, `${map.keySize} and ${map.valueSize}`]
      const detail = `keys and values have ${found} bytes here and ${wanted} in the kernel (compile both from one source)`
      throw new BpfError('BPF_SIZE', '', `use map "${map.name}"`, detail)
    }
    this.map = map
    this.#key = key
    this.#value = value
  }

  get(key: K): V | undefined {
    const raw = this.map.getRaw(encode(this.#key, key))
    return raw === undefined ? undefined : decode(this.#value, raw)
  }

  getPerCpu(key: K): V[] | undefined {
    return this.map.getPerCpu(encode(this.#key, key))?.map((raw) => decode(this.#value, raw))
  }

  /** @param flags of `Update` */
  set(key: K, value: V, flags?: number): void {
    this.map.setRaw(encode(this.#key, key), encode(this.#value, value), flags)
  }

  delete(key: K): boolean {
    return this.map.deleteRaw(encode(this.#key, key))
  }

  *keys(): Generator<K, void> {
    for (const raw of this.map.keys()) yield decode(this.#key, raw)
  }

  /** Everything in the map, read in batches. */
  async *entries(): AsyncGenerator<[K, V], void> {
    const { keySize, rawSize } = this.map
    for await (const { count, keys, values } of this.map.batches()) {
      for (let index = 0; index < count; index++) {
        yield [decode(this.#key, keys, index * keySize), decode(this.#value, values, index * rawSize)]
      }
    }
  }
}
