import koffi from 'koffi'

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MAP_FIXED = 0x10
const MAP_ANONYMOUS = 0x20
const MAP_NORESERVE = 0x4000
const MAP_FAILED = 0xffff_ffff_ffff_ffffn
const SC_PAGESIZE = 30

const libc = koffi.load('libc.so.6')
const mmapFunction = libc.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)')
const munmapFunction = libc.func('int munmap(void *addr, size_t length)')
const sysconf = libc.func('long sysconf(int name)')
const socketFunction = libc.func('int socket(int domain, int type, int protocol)')
const sendFunction = libc.func('long send(int fd, const void *data, size_t size, int flags)')

/** Bytes of a page of memory. */
export const pageSize = Number(sysconf(SC_PAGESIZE))

/** @returns the address, or the negated errno. */
export function mmap(fd: number, length: number, options: { offset: number; writable: boolean }): bigint | number {
  const protection = options.writable ? PROT_READ | PROT_WRITE : PROT_READ
  const address = mmapFunction(null, length, protection, MAP_SHARED, fd, options.offset) as bigint
  return address === MAP_FAILED ? -koffi.errno() : address
}

export function munmap(address: bigint, length: number): void {
  munmapFunction(address, length)
}

/** Puts empty memory in the place of a mapping, without a moment in between. */
export function cover(address: bigint, length: number): void {
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE
  const result = mmapFunction(address, length, PROT_READ | PROT_WRITE, flags, -1, 0) as bigint
  if (result === MAP_FAILED) throw new Error(`Cannot give memory back: errno ${koffi.errno()}`)
}

/** @returns a descriptor, or the negated errno. */
export const openSocket = (domain: number, type: number, protocol = 0): number =>
  orErrno(socketFunction(domain, type, protocol) as number)

/** @returns bytes sent, or the negated errno. */
export const send = (fd: number, bytes: Uint8Array, flags = 0): number =>
  orErrno(Number(sendFunction(fd, bytes, bytes.length, flags)))

/** What a function of C has returned, or the negated errno if that is negative. */
export const orErrno = (result: number): number => (result >= 0 ? result : -koffi.errno())
