import { readFileSync } from 'node:fs'
import { LinuxError } from './errors.ts'

/** Bit numbers of the capabilities that Seawall asks for (linux/capability.h). */
export const capabilityBits = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const

export type Capability = keyof typeof capabilityBits

/** Which of the known capabilities are effective in this process. */
export function effectiveCapabilities(status = readFileSync('/proc/self/status', 'utf8')): Set<Capability> {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  const bits = BigInt(`0x${hex}`)
  const names = Object.keys(capabilityBits) as Capability[]
  return new Set(names.filter((name) => (bits >> BigInt(capabilityBits[name])) & 1n))
}

/** What CAP_SYS_ADMIN stands for, too. */
const ADMINISTRATIVE: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON']

/**
 * Fails unless all `wanted` capabilities are effective.
 *
 * @param purpose what they are for, completing "… needs", for example `attaching XDP programs`.
 * @throws LinuxError PRIVILEGE_MISSING, listing those that are absent.
 */
export function requireCapabilities(wanted: readonly Capability[], purpose: string): void {
  const present = effectiveCapabilities()
  const isThere = (name: Capability) =>
    present.has(name) || (ADMINISTRATIVE.includes(name) && present.has('CAP_SYS_ADMIN'))
  const missing = wanted.filter((name) => !isThere(name))
  if (missing.length === 0) return
  throw new LinuxError(
    'PRIVILEGE_MISSING',
    `Cannot go on without ${missing.join(', ')}: ${purpose} needs root (use sudo)`,
  )
}
