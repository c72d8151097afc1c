import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { effectiveCapabilities } from '../../linux/capabilities.ts'
import { command } from '../../linux/command.ts'
import { type Finding, note, ok, problem, warning } from './finding.ts'

/** Oldest kernel with all that is needed: bpf_xdp_load_bytes (5.18), atomic fetch instructions (5.12), links (5.9), ring buffers (5.8). */
export const OLDEST_KERNEL = { major: 5, minor: 18 } as const

/** What every part of Seawall stands on. */
export function systemFindings(): Finding[] {
  return [
    kernel(release()),
    node(process.versions.node),
    capabilities(readFileSync('/proc/self/status', 'utf8')),
    memlock(release(), readFileSync('/proc/self/limits', 'utf8')),
    jit(readOptional('/proc/sys/net/core/bpf_jit_enable')),
    iproute2(),
  ]
}

/** Compares `6.1.0-13-amd64` with a version; undefined if it does not begin with one. */
export function atLeast(text: string, major: number, minor: number): boolean | undefined {
  const match = /^(\d+)\.(\d+)/.exec(text)
  if (match === null) return undefined
  const [, a, b] = match.map(Number) as [number, number, number]
  return a > major || (a === major && b >= minor)
}

export function kernel(version: string): Finding {
  const { major, minor } = OLDEST_KERNEL
  if (atLeast(version, major, minor) === true) return ok('kernel', `Linux ${version}`)
  return problem(
    'kernel',
    `Linux ${version}, wanted ${major}.${minor} or later`,
    'install a newer kernel; Debian 12 has 6.1',
  )
}

export function node(version: string): Finding {
  if (Number(version.split('.')[0]) >= 20) return ok('node', `Node ${version}`)
  return problem('node', `Node ${version}, wanted 20 or later`, 'install a newer Node')
}

/** CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON too, as in the kernel. */
export function capabilities(status: string): Finding {
  const present = effectiveCapabilities(status)
  const wanted = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'] as const
  const missing = wanted.filter((name) => !present.has(name))
  if (missing.length === 0) return ok('capabilities', wanted.join(', '))
  const remedy = 'run as root: programs cannot be loaded or attached otherwise'
  return problem('capabilities', `without ${missing.join(', ')}`, remedy)
}

/** Since 5.11 the memory of maps counts against the cgroup instead of this limit. */
export function memlock(version: string, limits: string): Finding {
  if (atLeast(version, 5, 11) === true)
    return ok('memlock', 'no limit on the memory of maps (counted by cgroup since Linux 5.11)')
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1] ?? 'unknown'
  if (soft === 'unlimited') return ok('memlock', 'unlimited')
  return warning(
    'memlock',
    `${soft} bytes of locked memory, wanted unlimited`,
    'ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit',
  )
}

export function jit(setting: string | undefined): Finding {
  if (setting === undefined) return note('jit', 'cannot be seen from this network namespace')
  if (setting.trim() !== '0') return ok('jit', 'on')
  return warning('jit', 'off: programs are interpreted, about ten times slower', 'sysctl net.core.bpf_jit_enable=1')
}

/** Interfaces are looked up with iproute2. */
function iproute2(): Finding {
  const path = which('ip')
  if (path !== undefined) return ok('iproute2', path)
  return problem('iproute2', 'not installed, wanted to look up interfaces', 'apt install iproute2')
}

function which(name: string): string | undefined {
  try {
    return command('sh', ['-c', 'command -v "$1"', 'sh', name]).trim()
  } catch {
    return undefined
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
