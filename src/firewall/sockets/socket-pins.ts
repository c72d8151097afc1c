import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createMemory } from '../../entry/memory.ts'
import { openMap } from '../../entry/open.ts'
import type { Paths } from '../../entry/paths.ts'
import { writing } from '../../entry/pins.ts'
import { u32 } from '../../entry/u32.ts'
import { decodeSocketManifest, encodeSocketManifest, type SocketManifest } from './socket-manifest.ts'
import type { SocketRules } from './socket-rules.ts'

/** A folder of its own, because what belongs to interfaces comes and goes as a whole. */
export const socketsFolder = (paths: Paths): string => `${paths.bpf}-sockets`
export const attachmentFolder = (paths: Paths, name: string): string => join(socketsFolder(paths), name)

/** Begins the names of folders that are not finished. */
const UNFINISHED = 'tmp-'

/** Names of what is attached, or, if so asked, of what a process that died left unfinished. */
export function listAttachmentNames(paths: Paths, unfinished = false): string[] {
  const folder = socketsFolder(paths)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(UNFINISHED) === unfinished)
    .sort()
}

/** Pins everything in a folder that no reader sees yet; returns its name. */
export function pinAttachment(paths: Paths, rules: SocketRules, manifest: SocketManifest): string {
  const name = `${UNFINISHED}${process.pid}`
  const folder = attachmentFolder(paths, name)
  const bytes = encodeSocketManifest(manifest)
  const map = createMemory('manifest', bytes.length)
  try {
    map.setRaw(u32(0), bytes)
    writing(`pin the state in "${folder}"`, () => {
      mkdirSync(folder, { mode: 0o700 })
      map.pin(join(folder, 'manifest'))
      rules.counterMap.pin(join(folder, 'counters'))
      rules.program.pin(join(folder, 'program'))
    })
    return name
  } finally {
    map.close()
  }
}

/** @throws SeawallError SEAWALL_STATE_VERSION, SEAWALL_BPFFS, SEAWALL_PERMISSION */
export function readSocketManifest(folder: string): SocketManifest {
  const map = openMap(join(folder, 'manifest'))
  try {
    return decodeSocketManifest(map.getRaw(u32(0))!, folder)
  } finally {
    map.close()
  }
}
