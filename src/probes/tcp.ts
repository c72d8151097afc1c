import { type Approach, dial } from './approach.ts'

/** A connection is accepted. */
export async function probeTcp(
  approach: Approach,
  { port }: { readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  const socket = await dial(approach, port, signal)
  socket.destroy()
}
