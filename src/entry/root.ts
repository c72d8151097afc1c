import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, load, type Program } from '../bpf/index.ts'
import { entry } from '../generated/entry.ts'
import { Handles } from './handles.ts'
import { openMap, openProgram } from './open.ts'
import type { Paths } from './paths.ts'
import { makeStaging, removePins, root, writing } from './pins.ts'
import type { Step } from './step.ts'

/** The parts that stay from generation to generation, open. */
export interface Root {
  readonly entry: Program
  readonly stages: BpfMap
  close(): void
}

/** Opens the root, which must be there. */
export function openRoot(paths: Paths): Root {
  const handles = new Handles()
  try {
    const stages = handles.keep(openMap(join(paths.bpf, 'stages')))
    const entry = handles.keep(openProgram(join(paths.bpf, 'entry')))
    return { entry, stages, close: () => handles.close() }
  } catch (error) {
    handles.close()
    throw error
  }
}

/** Makes a new root: an entry program with an empty slot, attached to nothing. */
export async function createRoot(paths: Paths, step: Step): Promise<Root> {
  const staging = makeStaging(paths)
  try {
    const { maps, programs, close } = await load(entry)
    const parts = { received: maps.received.map, stages: maps.stages.map, entry: programs.entry }
    try {
      for (const name of root) writing(`pin "${name}"`, () => parts[name].pin(join(staging, name)))
      for (const name of root) {
        step(`root-${name}`)
        writing(`pin "${name}"`, () => renameSync(join(staging, name), join(paths.bpf, name)))
      }
      return { entry: parts.entry, stages: parts.stages, close }
    } catch (error) {
      close()
      throw error
    }
  } finally {
    removePins(staging)
  }
}
