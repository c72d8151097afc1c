import type { Program } from '../../src/bpf/index.ts'
import type { Target } from '../../src/dispatch/index.ts'
import { wordsOf } from '../../src/dispatch/lay-out.ts'

/** `struct bpf_sk_lookup` of linux/bpf.h. */
const SIZE = 72
const [FAMILY, PROTOCOL, REMOTE_IP4, REMOTE_PORT, LOCAL_IP4, LOCAL_IP6, LOCAL_PORT] = [8, 12, 16, 36, 40, 44, 60]

const SK_PASS = 1

/** What a look-up came to: the cookie of a socket, that there is none, or that it is left to the kernel. */
export type Found = bigint | 'drop' | 'pass'

/** Has a program look for the socket of a connection or datagram from one client or another. */
export function lookUp(program: Program, { protocol, address, port }: Target, client = 1): Found {
  const context = new Uint8Array(SIZE)
  const view = new DataView(context.buffer)
  view.setUint32(FAMILY, address.family === 4 ? 2 : 10, true)
  view.setUint32(PROTOCOL, protocol === 'tcp' ? 6 : 17, true)
  view.setUint32(REMOTE_IP4, client)
  view.setUint16(REMOTE_PORT, 40_000)
  view.setUint32(LOCAL_PORT, port, true)
  const words = wordsOf(address)
  if (address.family === 4) view.setUint32(LOCAL_IP4, words[0]!)
  else for (const [index, word] of words.entries()) view.setUint32(LOCAL_IP6 + index * 4, word)
  const { result, context: after } = program.testRun({ data: new Uint8Array(), context })
  if (result !== SK_PASS) return 'drop'
  const cookie = new DataView(after.buffer).getBigUint64(0, true)
  return cookie === 0n ? 'pass' : cookie
}
