import { BpfError, BpfMap } from '../bpf/index.ts'
import { type Capability, requireCapabilities } from '../linux/capabilities.ts'
import { LinuxError } from '../linux/errors.ts'
import { SeawallError } from './errors.ts'

/**
 * Checks that this process may change the kernel's state, and that the kernel has BPF at all.
 *
 * @param wanted capabilities, for a `purpose` that completes "… needs".
 * @throws SeawallError SEAWALL_PERMISSION, SEAWALL_NO_BPF
 */
export function preflight(
  wanted: readonly Capability[] = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'],
  purpose = 'attaching XDP programs and pinning their state',
): void {
  try {
    requireCapabilities(wanted, purpose)
  } catch (cause) {
    if (!(cause instanceof LinuxError)) throw cause
    throw new SeawallError('SEAWALL_PERMISSION', cause.message, { cause })
  }
  try {
    BpfMap.create({ kind: 'array', name: 'preflight', keySize: 4, valueSize: 4, maxEntries: 1 }).close()
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause
    throw new SeawallError('SEAWALL_NO_BPF', noBpf(cause), { cause })
  }
}

function noBpf(cause: Error): string {
  return `Cannot use BPF: ${cause.message} (wanted a kernel with CONFIG_BPF_SYSCALL, and no seccomp filter against bpf(2))`
}
