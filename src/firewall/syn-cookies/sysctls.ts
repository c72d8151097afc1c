import type { Paths } from '../../entry/paths.ts'
import { readSysctl, writeSysctl } from '../../linux/sysctl.ts'

/**
 * What a listener needs to take the ACK of a cookie that it did not send: that it checks cookies without an overflow of its own, and
 * that it adds no secret offset to timestamps, in which cookies keep TCP options (net/ipv4/syncookies.c).
 */
const NEEDED: Readonly<Record<string, string>> = {
  'net.ipv4.tcp_syncookies': '2',
  'net.ipv4.tcp_timestamps': '2',
}

/** Kernel parameters by name, as they were. */
export type Sysctls = Readonly<Record<string, string>>

export function readSysctls({ netns }: Paths): Sysctls {
  return Object.fromEntries(Object.keys(NEEDED).map((name) => [name, readSysctl(netns, name) ?? '']))
}

/** Timestamps that are off stay off: then cookies carry no options, as the kernel's own. */
export function setSysctls(paths: Paths, before: Sysctls): void {
  for (const [name, value] of Object.entries(NEEDED)) {
    const isOff = name === 'net.ipv4.tcp_timestamps' && before[name] === '0'
    if (!isOff && readSysctl(paths.netns, name) !== value) writeSysctl(paths.netns, name, value)
  }
}

/** Puts back what was there, but for what somebody else has changed since. */
export function restoreSysctls({ netns }: Paths, before: Sysctls): void {
  for (const [name, value] of Object.entries(before))
    if (readSysctl(netns, name) === NEEDED[name] && NEEDED[name] !== value) writeSysctl(netns, name, value)
}
