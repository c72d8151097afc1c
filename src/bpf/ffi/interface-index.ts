import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const nameToIndex = libc.func('uint32_t if_nametoindex(const char *name)')

/** Index of an interface in the namespace of the calling thread; 0 if there is none of that name. */
export function interfaceIndex(name: string): number {
  return nameToIndex(name) as number
}
