import koffi from 'koffi'

/** What libbpf says goes to standard error unless it is told otherwise. */
const libbpf = koffi.load('libbpf.so.1')
const libc = koffi.load('libc.so.6')
const setPrint = libbpf.func('void *libbpf_set_print(void *callback)')
const vsnprintf = libc.func('int vsnprintf(void *buffer, size_t size, const void *format, void *values)')
const printType = koffi.pointer(koffi.proto('int libbpf_print(int level, const void *format, void *values)'))

const WARNING = 0
const LONGEST = 4096

setPrint(null)

/** Warnings of libbpf while `work` goes on, of this and of any other work on it at the same time. */
export async function withWarnings<T>(work: () => Promise<T>): Promise<{ result: T; warnings: string[] }> {
  const warnings: string[] = []
  const print = koffi.register((level: number, format: bigint, values: bigint) => {
    if (level === WARNING) warnings.push(formatted(format, values))
    return 0
  }, printType)
  setPrint(print)
  try {
    return { result: await work(), warnings }
  } finally {
    setPrint(null)
    koffi.unregister(print)
  }
}

/** A `va_list` is passed as an address on x86-64 and AArch64, so the C library can be handed it. */
function formatted(format: bigint, values: bigint): string {
  const buffer = Buffer.alloc(LONGEST)
  const length = vsnprintf(buffer, LONGEST, format, values) as number
  return buffer.toString('utf8', 0, Math.min(length, LONGEST - 1)).trimEnd()
}
