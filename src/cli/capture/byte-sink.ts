import { write } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Output } from '../environment.ts'
import { WriteError } from './write-error.ts'

/** Where the bytes of a capture go. */
export interface ByteSink {
  /** @throws WriteError, with how many of the bytes got there */
  write(bytes: Uint8Array): Promise<void>
  /** Takes back bytes at the end, where that can be done. */
  takeBack(bytes: number): Promise<void>
  /** @throws WriteError */
  close(): Promise<void>
}

/** A file, which is emptied when the first bytes are written: until then what was there is still there. */
export class FileSink implements ByteSink {
  readonly #path: string
  readonly #file: FileHandle
  readonly #isNew: boolean
  #length = 0
  #begun = false

  /** @throws WriteError */
  static async open(path: string): Promise<FileSink> {
    try {
      const made = await make(path)
      return new FileSink(path, made ?? (await open(path, 'r+')), made !== undefined)
    } catch (cause) {
      throw new WriteError(path, cause, 0)
    }
  }

  private constructor(path: string, file: FileHandle, isNew: boolean) {
    this.#path = path
    this.#file = file
    this.#isNew = isNew
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#begun && (await this.#file.stat()).isFile()) await this.#file.truncate(0)
    this.#begun = true
    try {
      await writeAll(this.#path, this.#file.fd, bytes)
      this.#length += bytes.length
    } catch (error) {
      if (error instanceof WriteError) this.#length += error.written
      throw error
    }
  }

  async takeBack(bytes: number): Promise<void> {
    this.#length -= bytes
    if ((await this.#file.stat()).isFile()) await this.#file.truncate(this.#length)
  }

  async close(): Promise<void> {
    try {
      await this.#file.close()
    } catch (cause) {
      throw new WriteError(this.#path, cause, 0)
    }
    if (this.#isNew && !this.#begun) await unlink(this.#path)
  }
}

/** Returns undefined if there is such a file. */
async function make(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

/**
 * Standard output, in the order of the writes and with their errors: a reader that has had enough is told by one, so that the capture
 * can be taken down.
 */
export class OutputSink implements ByteSink {
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { fd } = this.#output
    if (fd === undefined) this.#output.write(new TextDecoder().decode(bytes))
    else await writeAll('-', fd, bytes)
  }

  async takeBack(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Milliseconds to wait for a pipe that is full, and does not block. */
const PATIENCE_MS = 5

/** @throws WriteError */
async function writeAll(path: string, fd: number, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    try {
      written += await writeSome(fd, bytes.subarray(written))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') throw new WriteError(path, cause, written)
      await sleep(PATIENCE_MS)
    }
  }
}

function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, count) => (error === null ? resolve(count) : reject(error)))
  })
}
