import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Folders that hold nothing written by hand. */
const skipped = new Set(['node_modules', '.git', 'build', 'dist'])

/** Paths below `root`, relative to it and sorted, for which `wanted` says yes. What is made by tools is left out. */
export function findFiles(root: string, wanted: (path: string) => boolean): string[] {
  const found: string[] = []
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name)
      if (entry.isDirectory() && !skipped.has(entry.name)) walk(path)
      else if (isFile(entry, path) && wanted(relative(root, path))) found.push(relative(root, path))
    }
  }
  walk(root)
  return found.sort()
}

/** Links to files are files. */
function isFile(entry: Dirent, path: string): boolean {
  return entry.isFile() || (entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
}
