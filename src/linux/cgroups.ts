import { readFileSync } from 'node:fs'
import { LinuxError } from './errors.ts'

/**
 * Where control groups of version 2 are mounted: the folder whose programs run for all processes that this one can see.
 *
 * @throws LinuxError CGROUP_MISSING
 */
export function cgroupRoot(mounts: string = readFileSync('/proc/self/mountinfo', 'utf8')): string {
  const found = mounts.split('\n').flatMap((line) => {
    const [, root, path] = /^\d+ \d+ \S+ (\S+) (\S+) .* - cgroup2 /.exec(line) ?? []
    return root === undefined || path === undefined ? [] : [{ root, path }]
  })
  const best = found.find(({ root }) => root === '/') ?? found[0]
  if (best !== undefined) return withoutEscapes(best.path)
  throw new LinuxError(
    'CGROUP_MISSING',
    'Cannot find control groups of version 2: no file system of type cgroup2 is mounted (mount -t cgroup2 cgroup2 /sys/fs/cgroup, or /sys/fs/cgroup/unified beside version 1)',
  )
}

/** The kernel writes spaces and the like as octal numbers. */
const withoutEscapes = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
