import { readFileSync, writeFileSync } from 'node:fs'
import { LinuxError } from './errors.ts'
import { inNetns, type Netns } from './netns.ts'

/** The file of a kernel parameter: `net.ipv4.tcp_syncookies` is `/proc/sys/net/ipv4/tcp_syncookies`. */
export const sysctlPath = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`

/** A kernel parameter as a network namespace has it; undefined if there is none of that name there. */
export function readSysctl(netns: Netns, name: string): string | undefined {
  return inNetns(netns, () => {
    try {
      return readFileSync(sysctlPath(name), 'utf8').trim()
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cause
    }
  })
}

/**
 * Sets a kernel parameter in a network namespace.
 *
 * @throws LinuxError SYSCTL
 */
export function writeSysctl(netns: Netns, name: string, value: string): void {
  inNetns(netns, () => {
    try {
      writeFileSync(sysctlPath(name), value)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new LinuxError(
        'SYSCTL',
        `Cannot set ${name} to "${value}": ${code} (make /proc/sys writable, run as root)`,
        {
          cause,
        },
      )
    }
  })
}
