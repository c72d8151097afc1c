import { load } from '../../src/bpf/index.ts'
import { withProcessSockets } from '../../src/dispatch/process-sockets.ts'
import { u32 } from '../../src/entry/u32.ts'
import { type Netns, withNetns } from '../../src/linux/netns.ts'
import { lookup } from '../generated/lookup.ts'

export interface LeastOptions {
  /** Whose it is; if absent, the program leaves everything to the kernel. */
  readonly socket?: { readonly pid: number; readonly port: number }
  /** IPv4 addresses, numbers, which it gives to the socket; if absent, all of them. */
  readonly addresses?: readonly number[]
}

/** What is done while the least program of its kind is where dispatch would be. */
export async function withLeast<T>(
  netns: Netns,
  { socket, addresses }: LeastOptions,
  work: () => Promise<T>,
): Promise<T> {
  using loaded = await load(lookup)
  const { programs, maps } = loaded
  if (socket !== undefined)
    await withProcessSockets(netns, socket, async ([open]) =>
      maps.only.map.setRaw(u32(0), new Uint8Array(BigUint64Array.of(BigInt(open!.fd)).buffer)),
    )
  if (addresses !== undefined) {
    const keys = new DataView(new ArrayBuffer(4 * addresses.length))
    for (const [index, address] of addresses.entries()) keys.setUint32(4 * index, address)
    maps.addresses.map.setBatch(new Uint8Array(keys.buffer), new Uint8Array(keys.byteLength))
  }
  const of = addresses === undefined ? programs.least : programs.leastOfMany
  const program = socket === undefined ? programs.nothing : of
  const link = withNetns(netns, (fd) => program.attachSkLookup(fd))
  try {
    return await work()
  } finally {
    link.detach()
    link.close()
  }
}
