import koffi from 'koffi'

/** What libbpf says goes to standard error unless it is told otherwise. */
const libbpf = koffi.load('libbpf.so.1')
const libc = koffi.load('libc.so.6')
const setPrint = libbpf.func('void *libbpf_set_print(void *callback)')
const vsnprintf = libc.func('int vsnprintf(void *buffer, size_t size, const void *format, void *values)')
const printType = koffi.pointer(koffi.proto('int libbpf_print(int level, const void *format, void *values)'))

const WARNING = 0
const LONGEST = 4096

/** Who listens at this moment. */
const listeners = new Set<string[]>()

/** One for the whole process, and for good: a thread of libuv may be on its way into it when the last listener leaves. */
let hook: bigint | undefined

setPrint(null)

/** Warnings of libbpf while `work` goes on, of this and of any other work on it at the same time. */
export async function withWarnings<T>(work: () => Promise<T>): Promise<{ result: T; warnings: string[] }> {
  const warnings: string[] = []
  hook ??= koffi.register(print, printType)
  listeners.add(warnings)
  setPrint(hook)
  try {
    return { result: await work(), warnings }
  } finally {
    listeners.delete(warnings)
    if (listeners.size === 0) setPrint(null)
  }
}

/** A `va_list` is passed as an address on x86-64 and AArch64, so the C library can be handed it. */
function print(level: number, format: bigint, values: bigint): number {
  if (level !== WARNING) return 0
  const buffer = Buffer.alloc(LONGEST)
  const length = vsnprintf(buffer, LONGEST, format, values) as number
  const text = buffer.toString('utf8', 0, Math.min(length, LONGEST - 1)).trimEnd()
  for (const warnings of listeners) warnings.push(text)
  return 0
}
