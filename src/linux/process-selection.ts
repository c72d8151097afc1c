import { readFileSync, readlinkSync } from 'node:fs'
import { processAncestors } from './process.ts'

/** Which processes; all that is said must hold. */
export interface ProcessMatch {
  /** A service of systemd, with or without `.service`. */
  readonly unit?: string
  /** Path of a control group, such as `/system.slice/nginx.service`; those in groups below it count, too. */
  readonly cgroup?: string
  /** Absolute path of the program. */
  readonly exe?: string
}

/** Whether a process is one of those. False of one that ends meanwhile, or that this one may not look into. */
export function isProcess(pid: number, { unit, cgroup, exe }: ProcessMatch): boolean {
  if (exe !== undefined && programOf(pid) !== exe) return false
  if (unit === undefined && cgroup === undefined) return true
  const groups = groupsOf(pid)
  if (cgroup !== undefined && !groups.some((group) => group === cgroup || group.startsWith(`${cgroup}/`))) return false
  return unit === undefined || groups.some((group) => group.split('/').some((part) => isUnit(part, unit)))
}

/** The first process of a run: the one of those, of which one is given, whose parent is none of those. */
export function leaderOf(pid: number, match: ProcessMatch): number {
  const family = processAncestors(pid)
  const stranger = family.findIndex((one) => !isProcess(one, match))
  return family[(stranger < 0 ? family.length : stranger) - 1] ?? pid
}

const isUnit = (part: string, unit: string): boolean => part === unit || part === `${unit}.service`

/** The kernel marks a program that was replaced since, as an upgrade does. */
function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '')
  } catch {
    return undefined
  }
}

/** Paths of its control groups: one, or one for each controller in the old way. */
function groupsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .flatMap((line) => /^\d+:[^:]*:(.*)$/.exec(line)?.[1] ?? [])
  } catch {
    return []
  }
}
