const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'free some room, or capture less: --snaplen, --count',
  EDQUOT: 'free some room, or capture less: --snaplen, --count',
  EFBIG: 'the file system or a limit allows no larger files: --count',
  ENOENT: 'make the folder, or choose another file',
  EISDIR: 'name a file',
}

/** A capture that cannot be written. */
export class WriteError extends Error {
  readonly code = 'CAPTURE_WRITE'
  /** Name of the system's error, like ENOSPC. */
  readonly errno: string
  /** Bytes of the last write that got there. */
  readonly written: number
  readonly path: string

  constructor(path: string, cause: unknown, written: number, note = '') {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    const remedy = REMEDIES[code] ?? 'choose another file'
    super(`Cannot write capture "${path}": ${code}${note} (${remedy})`, { cause })
    this.name = 'WriteError'
    this.errno = code
    this.written = written
    this.path = path
  }

  /** Whoever read has had enough. */
  get isBrokenPipe(): boolean {
    return this.errno === 'EPIPE'
  }
}
