import { readdirSync, readlinkSync } from 'node:fs'

/** BPF objects, type information and network namespaces. */
const OURS = /bpf|btf|net:/

/**
 * What a process, this one if none is named, has open of what Seawall opens, sorted. Node opens and closes descriptors of its own at any time, so a count
 * of all of them tells nothing.
 */
export function heldDescriptors(wanted: RegExp = OURS, pid: number | 'self' = 'self'): string[] {
  const folder = `/proc/${pid}/fd`
  const targets = readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)]
    } catch {
      // It is closed by now, as the one that lists the folder is.
      return []
    }
  })
  return targets.filter((target) => wanted.test(target)).sort()
}
