import type { Paths } from './paths.ts'
import { generationFolder, listGenerations, listLeftovers, removePins } from './pins.ts'

/**
 * Removes folders of writers that did not get to their end, and all generations but those to keep. Only for who holds the
 * lock.
 */
export function collectGarbage(paths: Paths, keep: readonly (number | undefined)[]): void {
  for (const folder of listLeftovers(paths)) removePins(folder)
  for (const generation of listGenerations(paths)) {
    if (!keep.includes(generation)) removePins(generationFolder(paths, generation))
  }
}
