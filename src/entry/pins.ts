import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { BPFFS, isBpffs, mountBpffs } from '../linux/bpffs.ts'
import { SeawallError } from './errors.ts'
import { defaultPaths, type Paths } from './paths.ts'

/** Pins of the parts that stay from generation to generation. */
export const root = ['received', 'stages', 'entry'] as const

export const generationFolder = (paths: Paths, generation: number) => join(paths.bpf, `gen-${generation}`)
export const hasGeneration = (paths: Paths, generation: number) => existsSync(generationFolder(paths, generation))
export const linksFolder = (paths: Paths) => join(paths.bpf, 'links')

/** The BPF file system refuses dots, which VLAN interfaces have in their names; colons are in no interface's name. */
export const linkPin = (paths: Paths, interfaceName: string) => join(linksFolder(paths), pinName(interfaceName))
export const pinName = (name: string) => name.replaceAll('.', ':')

/** Numbers of all generations that are there, live or not, from old to new. */
export function listGenerations(paths: Paths): number[] {
  return listFolder(paths.bpf)
    .map((name) => /^gen-(\d+)$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** Names of the interfaces that have a pinned link. */
export function listLinks(paths: Paths): string[] {
  return listFolder(linksFolder(paths))
    .map((name) => name.replaceAll(':', '.'))
    .sort()
}

/** Folders in which a writer that did not get to its end was building. */
export function listLeftovers(paths: Paths): string[] {
  return listFolder(paths.bpf)
    .filter((name) => name.startsWith('tmp-'))
    .map((name) => join(paths.bpf, name))
}

/** A new folder to build in, out of sight of readers. */
export function makeStaging(paths: Paths): string {
  const path = join(paths.bpf, `tmp-${process.pid}-${Date.now().toString(36)}`)
  return writing(`make the folder "${path}"`, () => {
    mkdirSync(path, { mode: 0o700 })
    return path
  })
}

/** Removes a folder of pins, or nothing if it is not there. What is pinned lives on while something else uses it. */
export function removePins(path: string): void {
  if (!existsSync(path)) return
  for (const name of readdirSync(path)) {
    const inner = join(path, name)
    if (lstatSync(inner).isDirectory()) removePins(inner)
    else unlinkSync(inner)
  }
  rmdirSync(path)
}

/**
 * Makes sure that there is a folder for pinned state on a BPF file system. The usual one is mounted if it is missing.
 *
 * @throws SeawallError SEAWALL_BPFFS.
 */
export function prepareFolder(paths: Paths): void {
  if (paths.bpf === defaultPaths.bpf) writing('mount the BPF file system', () => mountBpffs())
  const parent = nearestFolder(paths.bpf)
  if (!isBpffs(parent)) {
    throw new SeawallError(
      'SEAWALL_BPFFS',
      `Cannot keep state in "${paths.bpf}": "${parent}" is no BPF file system (mount -t bpf bpf ${parent})`,
    )
  }
  writing(`make the folder "${paths.bpf}"`, () => mkdirSync(linksFolder(paths), { recursive: true, mode: 0o700 }))
}

/**
 * Makes sure that there is a folder beside that of the generations, for state that outlives them.
 *
 * @throws SeawallError SEAWALL_BPFFS
 */
export function prepareFolderBeside(folder: string): void {
  if (folder.startsWith(`${BPFFS}/`)) writing('mount the BPF file system', () => mountBpffs())
  if (existsSync(folder)) return
  writing(`make the folder "${folder}"`, () => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  if (!isBpffs(folder))
    throw new SeawallError(
      'SEAWALL_BPFFS',
      `Cannot keep state in "${folder}": it is on no BPF file system (mount -t bpf bpf ${BPFFS})`,
    )
}

/** Does something on the BPF file system; its failure names what to look at. */
export function writing<T>(action: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new SeawallError(
      'SEAWALL_BPFFS',
      `Cannot ${action}: ${message} (see mount and permissions of the BPF file system, and run as root)`,
      { cause },
    )
  }
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(join(path, '..'))
}

/** Names in a folder; none if it is not there. @throws SeawallError SEAWALL_PERMISSION, SEAWALL_BPFFS */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    const remedy = code === 'EACCES' ? 'run as root' : 'see its mount and permissions'
    const kind = code === 'EACCES' || code === 'EPERM' ? 'SEAWALL_PERMISSION' : 'SEAWALL_BPFFS'
    throw new SeawallError(kind, `Cannot read the folder "${path}": ${code} (${remedy})`, { cause })
  }
}
