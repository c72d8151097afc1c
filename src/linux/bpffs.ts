import { statfsSync } from 'node:fs'
import { command } from './command.ts'
import { LinuxError } from './errors.ts'
import { makeFolder } from './folder.ts'

/** Where the kernel's BPF file system is mounted on every distribution. */
export const BPFFS = '/sys/fs/bpf'

/** `f_type` of the BPF file system (`BPF_FS_MAGIC`). */
const BPF_FS_MAGIC = 0xcafe4a11

/** True if `path` exists and lies on a BPF file system. */
export function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC
  } catch {
    return false
  }
}

/**
 * Mounts a BPF file system at `path` unless it is there already.
 *
 * @returns true if it had to be mounted.
 * @throws LinuxError BPFFS_MISSING when it cannot be mounted.
 */
export function mountBpffs(path: string = BPFFS): boolean {
  if (isBpffs(path)) return false
  try {
    makeFolder(path)
    command('mount', ['-t', 'bpf', '-o', 'mode=0700', 'bpf', path])
  } catch (cause) {
    throw new LinuxError(
      'BPFFS_MISSING',
      `Cannot mount a BPF file system at "${path}": pinned state needs one (mount -t bpf bpf ${path}, as root)`,
      { cause },
    )
  }
  return true
}
