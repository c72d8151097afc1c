import { release } from 'node:os'
import { isAtLeast } from '../../src/bpf/kernel-version.ts'
import { type FeatureName, features } from '../vm/features.ts'

/** How the reason of a skipped test begins; a name of {@link features} follows. */
export const LACKS = 'the kernel lacks '

/**
 * For the `skip` of a test: the reason where the kernel lacks a feature, else `false`.
 *
 * @throws Error when the kernel is new enough to have it, and may not be built without, so that a broken probe skips nothing.
 */
export async function lacking(name: FeatureName): Promise<string | false> {
  const { minimumKernel, optional, present } = features[name]
  if (await present()) return false
  if (!optional && isAtLeast(release(), minimumKernel))
    throw new Error(`Cannot skip for "${name}": Linux ${release()} should have it (since ${minimumKernel})`)
  return `${LACKS}${name}`
}
