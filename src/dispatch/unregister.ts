import { pruned, takeSockets } from './destinations.ts'
import { type DestinationKey, writeDirectory } from './directory.ts'
import type { LiveDispatch } from './live.ts'

/** Which sockets of a label: all, or those of a protocol or a family. */
export interface DestinationSelection extends Partial<DestinationKey> {
  readonly label: string
}

/** Takes sockets away from a label. Returns how many there were, a socket of both families once. */
export function unregisterSockets(live: LiveDispatch, selection: DestinationSelection): number {
  const { label, protocol, family } = selection
  const { directory, manifest } = live
  const cookies = new Set<string>()
  for (const destination of directory.destinations) {
    if (destination.label !== label) continue
    if (destination.protocol !== (protocol ?? destination.protocol)) continue
    if (destination.family !== (family ?? destination.family)) continue
    for (const { slot } of destination.shares) for (const cookie of takeSockets(live, slot)) cookies.add(cookie)
  }
  writeDirectory(live.state, pruned(live, directory, manifest.bindings))
  return cookies.size
}
