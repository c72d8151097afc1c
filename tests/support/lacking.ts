import { release } from 'node:os'
import { type KernelFeatureName, kernelFeatures } from '../../src/bpf/features.ts'
import { isAtLeast } from '../../src/bpf/kernel-version.ts'

/** How the reason of a skipped test begins; a name of {@link kernelFeatures} follows. */
export const LACKS = 'the kernel lacks '

/**
 * For the `skip` of a test: the reason where the kernel lacks a feature, else `false`.
 *
 * @throws Error when the kernel is new enough to have it, so that a broken probe skips nothing.
 */
export async function lacking(name: KernelFeatureName): Promise<string | false> {
  const { minimumKernel, present } = kernelFeatures[name]
  if (await present()) return false
  if (isAtLeast(release(), minimumKernel))
    throw new Error(`Cannot skip for "${name}": Linux ${release()} should have it (since ${minimumKernel})`)
  return `${LACKS}${name}`
}
