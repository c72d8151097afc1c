import koffi from 'koffi'

const libbpf = koffi.load('libbpf.so.1')
const sample = koffi.proto('int ring_sample(void *context, void *data, size_t size)')
const ringNew = libbpf.func('void *ring_buffer__new(int map, ring_sample *read, void *context, const void *options)')
const ringConsume = libbpf.func('int ring_buffer__consume(void *ring)')
const ringFree = libbpf.func('void ring_buffer__free(void *ring)')

/** libbpf's own reader of ring buffers, which calls back into JavaScript at each record. */
export class LibbpfRing {
  readonly #callback: bigint
  readonly #ring: unknown
  #count = 0

  constructor(map: number) {
    this.#callback = koffi.register(() => {
      this.#count++
      return 0
    }, koffi.pointer(sample))
    this.#ring = ringNew(map, this.#callback, null, null)
    if (!this.#ring) throw new Error(`Cannot read map ${map} with libbpf: errno ${koffi.errno()}`)
  }

  /** @returns how many records were read. */
  consume(): number {
    const before = this.#count
    ringConsume(this.#ring)
    return this.#count - before
  }

  close(): void {
    ringFree(this.#ring)
    koffi.unregister(this.#callback)
  }
}
