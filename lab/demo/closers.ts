import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownPrefix } from '../owner.ts'

/** What a scene has made and must take away again, the last first. */
export class Closers {
  readonly #works: (() => unknown)[] = []

  add(work: () => unknown): void {
    this.#works.push(work)
  }

  /** A folder or pins: they also go when the process exits without {@link close}. */
  remove(path: string): void {
    const remove = () => rmSync(path, { recursive: true, force: true })
    process.once('exit', remove)
    this.add(() => {
      process.removeListener('exit', remove)
      remove()
    })
  }

  temporaryDirectory(): string {
    const path = mkdtempSync(join(tmpdir(), ownPrefix()))
    this.remove(path)
    return path
  }

  async close(): Promise<void> {
    while (this.#works.length > 0) await this.#works.pop()!()
  }
}
