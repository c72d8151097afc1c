import { load } from '../../src/bpf/index.ts'
import { withProcessSockets } from '../../src/dispatch/process-sockets.ts'
import { u32 } from '../../src/entry/u32.ts'
import { type Netns, withNetns } from '../../src/linux/netns.ts'
import { lookup } from '../generated/lookup.ts'

/** What is done while a program that does next to nothing is where dispatch would be: one that gives everything to a socket of a process, or none. */
export async function withLeast<T>(
  netns: Netns,
  socket: { readonly pid: number; readonly port: number } | undefined,
  work: () => Promise<T>,
): Promise<T> {
  using loaded = await load(lookup)
  const { programs, maps } = loaded
  if (socket !== undefined)
    await withProcessSockets(netns, socket, async ([open]) =>
      maps.only.map.setRaw(u32(0), new Uint8Array(BigUint64Array.of(BigInt(open!.fd)).buffer)),
    )
  const program = socket === undefined ? programs.nothing : programs.least
  const link = withNetns(netns, (fd) => program.attachSkLookup(fd))
  try {
    return await work()
  } finally {
    link.detach()
    link.close()
  }
}
