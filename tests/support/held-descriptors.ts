import { readdirSync, readlinkSync } from 'node:fs'

/** BPF objects, type information and network namespaces. */
const OURS = /bpf|btf|net:/

/**
 * What this process has open of what Seawall opens, sorted. Node opens and closes descriptors of its own at any time, so a count
 * of all of them tells nothing.
 */
export function heldDescriptors(wanted: RegExp = OURS): string[] {
  const targets = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // The one that lists the folder is closed by now.
      return []
    }
  })
  return targets.filter((target) => wanted.test(target)).sort()
}
