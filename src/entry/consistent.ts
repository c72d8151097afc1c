/** Versions that may come while somebody reads one. */
const TRIES = 20

/** Says whether a read that has failed is tried again. What succeeds at once costs nothing more. */
class Reading {
  readonly #version: () => string
  #before: string | undefined
  #tries = TRIES

  constructor(version: () => string) {
    this.#version = version
  }

  /** Throws the error, unless it is the first one, or another version has come since the one before. */
  again(error: unknown): void {
    const now = this.#version()
    if (--this.#tries === 0 || now === this.#before) throw error
    this.#before = now
  }
}

/**
 * Reads state without a lock. When another version has come meanwhile, and what was read has gone, that one is read.
 *
 * @param version names what is in force
 * @throws what `read` throws while nothing changes
 */
export function readConsistently<T>(version: () => string, read: () => T): T {
  const reading = new Reading(version)
  for (;;) {
    try {
      return read()
    } catch (error) {
      reading.again(error)
    }
  }
}

/** The same for what takes several steps. */
export async function readConsistentlyInSteps<T>(version: () => string, read: () => Promise<T>): Promise<T> {
  const reading = new Reading(version)
  for (;;) {
    try {
      return await read()
    } catch (error) {
      reading.again(error)
    }
  }
}
