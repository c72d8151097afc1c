import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Milliseconds of quiet after which a file counts as written: editors write, rename and write again. */
const QUIET_MS = 200

/**
 * Watches files by their folders, so that a file that is replaced, as editors and `mv` do it, is still watched.
 */
export class FileWatch {
  readonly #changed: (paths: readonly string[]) => void
  readonly #failed: (error: unknown) => void
  readonly #dirty = new Set<string>()
  #folders: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined

  /** `changed` gets the paths that changed, once nothing has happened to them for a moment. */
  constructor(changed: (paths: readonly string[]) => void, failed: (error: unknown) => void) {
    this.#changed = changed
    this.#failed = failed
  }

  /** Watches these files instead of those before. */
  set(paths: readonly string[]): void {
    this.#closeFolders()
    for (const folder of new Set(paths.map((path) => dirname(path)))) {
      const files = paths.filter((path) => dirname(path) === folder)
      this.#watchFolder(folder, new Map(files.map((file) => [basename(file), file])))
    }
  }

  close(): void {
    this.#closeFolders()
    clearTimeout(this.#timer)
  }

  #closeFolders(): void {
    for (const folder of this.#folders.splice(0)) folder.close()
  }

  #watchFolder(folder: string, files: ReadonlyMap<string, string>): void {
    try {
      const watcher = watch(folder, (_, name) => {
        const file = name === null ? undefined : files.get(name)
        if (file !== undefined) this.#touch(file)
      })
      watcher.on('error', this.#failed)
      this.#folders.push(watcher)
    } catch (error) {
      this.#failed(error)
    }
  }

  #touch(file: string): void {
    this.#dirty.add(file)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const files = [...this.#dirty]
      this.#dirty.clear()
      this.#changed(files)
    }, QUIET_MS)
  }
}
