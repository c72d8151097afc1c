import { closeSync, readlinkSync } from 'node:fs'
import { BpfError } from './errors.ts'
import { errnoName } from './ffi/errno.ts'
import { objectGet, objectInfo } from './ffi/libbpf.ts'

/** What a reason usually means for BPF. */
const remedies: Readonly<Record<string, string>> = {
  EPERM: 'run as root, or with CAP_BPF and CAP_NET_ADMIN',
  EACCES: 'run as root, or with CAP_BPF and CAP_NET_ADMIN',
  EBUSY: 'something else is attached there',
  EEXIST: 'there is one already',
  ENOENT: 'there is no such thing',
  E2BIG: 'it is larger than it may be',
  ENOSPC: 'there is no room left',
  ENOMEM: 'there is not enough memory',
}

/**
 * Passes a result of the kernel on, unless it is a negated errno.
 *
 * @throws BpfError BPF_REFUSED
 */
export function check(result: number, operation: string): number {
  if (result >= 0) return result
  throw refused(result, operation)
}

export function refused(result: number, operation: string): BpfError {
  const errno = errnoName(result)
  const remedy = remedies[errno]
  return new BpfError('BPF_REFUSED', errno, operation, remedy === undefined ? errno : `${errno} (${remedy})`)
}

/** What an open descriptor stands for, as the kernel calls it. */
export type ObjectKind = 'bpf-map' | 'bpf-prog' | 'bpf-link'

const words: Readonly<Record<ObjectKind, string>> = { 'bpf-map': 'map', 'bpf-prog': 'program', 'bpf-link': 'link' }

/**
 * Opens what is pinned at a path of the BPF file system.
 *
 * @throws BpfError BPF_REFUSED; BPF_KIND when something else is pinned there.
 */
export function openPin(path: string, kind: ObjectKind): number {
  const operation = `open the pinned ${words[kind]} "${path}"`
  const fd = check(objectGet(path), operation)
  const found = readlinkSync(`/proc/self/fd/${fd}`)
    .replace('anon_inode:', '')
    .replaceAll(/[[\]]/g, '')
    .replace('_', '-')
  if (found === kind) return fd
  closeSync(fd)
  const what = words[found as ObjectKind] ?? found
  throw new BpfError('BPF_KIND', '', operation, `a ${what} is pinned there (wanted a ${words[kind]})`)
}

/** Longest of the kernel's descriptions that are read here (struct bpf_prog_info). */
const INFO_SIZE = 256

/** The kernel's description of a map, program or link: its struct bpf_*_info, zeros after what it knows. */
export function readInfo(fd: number): DataView {
  const info = new Uint8Array(INFO_SIZE)
  check(objectInfo(fd, info, new Uint8Array(Uint32Array.of(INFO_SIZE).buffer)), `describe descriptor ${fd}`)
  return new DataView(info.buffer)
}

/** As {@link readInfo}, for a new owner of the descriptor: it is closed if it cannot be read. */
export function takeOver(fd: number): DataView {
  try {
    return readInfo(fd)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** A name of at most 15 bytes in a struct. */
export function readName(view: DataView, at: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, 16)
  return bytes.toString('latin1', 0, bytes.indexOf(0))
}

/** What the kernel takes as a name: up to 15 letters, digits, `_` and `.`. */
export function kernelName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.]/g, '_').slice(0, 15)
}
