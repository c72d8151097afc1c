import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Stage } from '../generated/entry.ts'
import { SeawallError } from './errors.ts'
import { openMap, openProgram } from './open.ts'
import type { Paths } from './paths.ts'
import { generationFolder, listGenerations } from './pins.ts'
import { u32 } from './u32.ts'

/** The generation that packets go through. */
export interface LiveGeneration {
  readonly folder: string
  readonly program: { readonly id: number; readonly tag: string }
}

/**
 * Finds in the kernel which generation is live: the one whose program is in the slot. Of several with the same program (after
 * a roll back) it is the newest.
 *
 * @returns undefined if nothing is in force.
 * @throws SeawallError SEAWALL_STATE_VERSION when no generation has the program.
 */
export function findLive(paths: Paths): LiveGeneration | undefined {
  // Before all: who may not look into the folder must not be told that it is empty.
  const generations = listGenerations(paths)
  const id = liveProgramId(paths)
  if (id === undefined) return undefined
  for (const generation of generations.reverse()) {
    const folder = generationFolder(paths, generation)
    const program = readProgram(join(folder, 'firewall'))
    if (program?.id === id) return { folder, program }
  }
  throw new SeawallError(
    'SEAWALL_STATE_VERSION',
    `Cannot use the state in "${paths.bpf}": program ${id} is in force but no generation has it (run seawall down, then seawall up)`,
  )
}

/** Names what is in force, for who reads it without a lock. */
export const liveVersion = (paths: Paths): string => `${liveProgramId(paths)} of ${listGenerations(paths)}`

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
