/** What generated codecs are made of, where one `DataView` call does not do. */

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** A copy of `size` bytes. */
export function readBytes(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size).slice()
}

/** @throws RangeError when there are not exactly `size` bytes. */
export function writeBytes(view: DataView, at: number, size: number, value: Uint8Array): void {
  if (value.length !== size) throw new RangeError(`Cannot write ${value.length} bytes: wanted ${size}`)
  new Uint8Array(view.buffer, view.byteOffset + at, size).set(value)
}

/** `char[size]`: UTF-8 up to the first NUL, or to the end. */
export function readText(view: DataView, at: number, size: number): string {
  const all = new Uint8Array(view.buffer, view.byteOffset + at, size)
  const end = all.indexOf(0)
  return decoder.decode(all.slice(0, end < 0 ? size : end))
}

/** @throws RangeError when the text has more than `size` bytes. */
export function writeText(view: DataView, at: number, size: number, value: string): void {
  const text = encoder.encode(value)
  if (text.length > size) throw new RangeError(`Cannot write "${value}": wanted at most ${size} bytes`)
  const all = new Uint8Array(view.buffer, view.byteOffset + at, size)
  all.fill(0)
  all.set(text)
}

/** `T[length]`; `stride` bytes from one to the next. */
export function readList<T>(length: number, at: number, stride: number, read: (at: number) => T): T[] {
  return Array.from({ length }, (_, index) => read(at + index * stride))
}

/** @throws RangeError when there are not exactly `length` elements. */
export function writeList<T>(
  values: readonly T[],
  length: number,
  at: number,
  stride: number,
  write: (at: number, value: T) => void,
): void {
  if (values.length !== length) throw new RangeError(`Cannot write ${values.length} elements: wanted ${length}`)
  for (let index = 0; index < length; index++) write(at + index * stride, values[index]!)
}
