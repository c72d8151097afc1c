import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeawallError } from '../entry/errors.ts'
import { openMap, openProgram } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { generationFolder, listGenerations } from '../entry/pins.ts'
import { u32 } from '../entry/u32.ts'
import { Stage } from '../generated/entry.ts'
import { decodeManifest, type Manifest } from './manifest.ts'

/** The generation that packets go through. */
export interface Live {
  readonly folder: string
  readonly manifest: Manifest
  readonly program: { readonly id: number; readonly tag: string }
}

/**
 * Reads from the kernel which generation is live: the one whose program is in the slot. Of several with the same program (after
 * a roll back) it is the newest.
 *
 * @returns undefined if nothing is in force.
 * @throws SeawallError SEAWALL_STATE_VERSION when the state was made by another version.
 */
export function readLive(paths: Paths): Live | undefined {
  // Before all: who may not look into the folder must not be told that it is empty.
  const generations = listGenerations(paths)
  const id = liveProgramId(paths)
  if (id === undefined) return undefined
  for (const generation of generations.reverse()) {
    const folder = generationFolder(paths, generation)
    const program = readProgram(join(folder, 'firewall'))
    if (program?.id === id) return { folder, manifest: readManifest(folder), program }
  }
  throw new SeawallError(
    'SEAWALL_STATE_VERSION',
    `Cannot use the state in "${paths.bpf}": program ${id} is in force but no generation has it (run seawall down, then seawall up)`,
  )
}

/** Like {@link readLive}, for those who need something to be in force. */
export function requireLive(paths: Paths): Live {
  const live = readLive(paths)
  if (live !== undefined) return live
  throw new SeawallError('SEAWALL_NOT_UP', 'Cannot find Seawall in the kernel: nothing is in force (run seawall up)')
}

function liveProgramId(paths: Paths): number | undefined {
  const pin = join(paths.bpf, 'stages')
  if (!existsSync(pin)) return undefined
  const stages = openMap(pin)
  try {
    const value = stages.getRaw(u32(Stage.Firewall))
    return value === undefined ? undefined : new DataView(value.buffer, value.byteOffset).getUint32(0, true)
  } finally {
    stages.close()
  }
}

function readProgram(pin: string): { id: number; tag: string } | undefined {
  if (!existsSync(pin)) return undefined
  const program = openProgram(pin)
  try {
    return { id: program.id, tag: program.tag }
  } finally {
    program.close()
  }
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
