import { constants } from 'node:os'

/** Codes that are no errno of C: of the kernel alone, and of libbpf itself (libbpf_legacy.h). */
const others: readonly (readonly [number, string])[] = [
  [524, 'ENOTSUPP'],
  [4000, 'LIBBPF_LIBELF'],
  [4001, 'LIBBPF_FORMAT'],
  [4002, 'LIBBPF_KVERSION'],
  [4003, 'LIBBPF_ENDIAN'],
  [4004, 'LIBBPF_INTERNAL'],
  [4005, 'LIBBPF_RELOC'],
  [4006, 'LIBBPF_LOAD'],
  [4007, 'LIBBPF_VERIFY'],
  [4008, 'LIBBPF_PROG2BIG'],
  [4009, 'LIBBPF_KVER'],
  [4010, 'LIBBPF_PROGTYPE'],
  [4011, 'LIBBPF_WRNGPID'],
  [4012, 'LIBBPF_INVSEQ'],
  [4013, 'LIBBPF_NLPARSE'],
]

/** Backwards, so that of two names for one number the first stays: EAGAIN, not EWOULDBLOCK. */
const names = new Map<number, string>([
  ...Object.entries(constants.errno)
    .reverse()
    .map(([name, number]): [number, string] => [number, name]),
  ...others,
])

/** Name of an error number, of either sign: `errnoName(-16)` is `EBUSY`. */
export function errnoName(number: number): string {
  return names.get(Math.abs(number)) ?? `errno ${Math.abs(number)}`
}
