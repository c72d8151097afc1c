import type { Dispatch } from '../../dispatch/index.ts'
import { type Session, WAIT_MS } from '../session.ts'

/** Commands work on the kernel's state themselves, under the lock: sockets cannot be sent to an agent as text. */
export async function openDispatch({ paths }: Session): Promise<Dispatch> {
  // Not at the top: libbpf is loaded with it, and help works without.
  const { Dispatch } = await import('../../dispatch/dispatch.ts')
  return new Dispatch(paths, { waitMs: WAIT_MS })
}
