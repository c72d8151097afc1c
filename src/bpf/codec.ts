/** How a value stands in memory. */
export interface Codec<T> {
  /** Bytes. */
  readonly size: number
  read(view: DataView, at: number): T
  write(view: DataView, at: number, value: T): void
}

/** The machine's own byte order; all machines that are supported are little-endian. */
export const U32: Codec<number> = {
  size: 4,
  read: (view, at) => view.getUint32(at, true),
  write: (view, at, value) => view.setUint32(at, value, true),
}

/** The machine's own byte order. */
export const U64: Codec<bigint> = {
  size: 8,
  read: (view, at) => view.getBigUint64(at, true),
  write: (view, at, value) => view.setBigUint64(at, value, true),
}

/** Bytes as they are. The bytes that are read are a copy. */
export function bytes(size: number): Codec<Uint8Array> {
  return {
    size,
    read: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
    write: (view, at, value) => new Uint8Array(view.buffer, view.byteOffset + at, size).set(value),
  }
}

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const view = new DataView(new ArrayBuffer(codec.size))
  codec.write(view, 0, value)
  return new Uint8Array(view.buffer)
}

export function decode<T>(codec: Codec<T>, raw: Uint8Array, at = 0): T {
  return codec.read(new DataView(raw.buffer, raw.byteOffset, raw.byteLength), at)
}
