import { join } from 'node:path'
import { SeawallError } from '../entry/errors.ts'
import { findLive, type LiveGeneration } from '../entry/live-generation.ts'
import { openMap } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { u32 } from '../entry/u32.ts'
import { decodeManifest, type Manifest } from './manifest.ts'

/** The generation that packets go through. */
export interface Live extends LiveGeneration {
  readonly manifest: Manifest
}

/**
 * Reads what is in force.
 *
 * @returns undefined if nothing is.
 * @throws SeawallError SEAWALL_STATE_VERSION when the state was made by another version.
 */
export function readLive(paths: Paths): Live | undefined {
  const live = findLive(paths)
  return live === undefined ? undefined : { ...live, manifest: readManifest(live.folder) }
}

/** Like {@link readLive}, for those who need something to be in force. */
export function requireLive(paths: Paths): Live {
  const live = readLive(paths)
  if (live !== undefined) return live
  throw new SeawallError('SEAWALL_NOT_UP', 'Cannot find Seawall in the kernel: nothing is in force (run seawall up)')
}

/** Reads the manifest of a generation. */
export function readManifest(folder: string): Manifest {
  const map = openMap(join(folder, 'manifest'))
  try {
    return decodeManifest(map.getRaw(u32(0))!)
  } finally {
    map.close()
  }
}
