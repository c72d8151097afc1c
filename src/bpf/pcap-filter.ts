import { BpfError } from './errors.ts'
import { compileFilter } from './ffi/libpcap.ts'

/** One instruction of the classic machine, `struct sock_filter` of linux/filter.h. */
export interface ClassicInstruction {
  readonly code: number
  /** Instructions to skip if the condition holds, and if not. */
  readonly jt: number
  readonly jf: number
  /** 32 bits, unsigned. */
  readonly k: number
}

/** Bytes of one in memory. */
const SIZE = 8

const OPERATION = 'compile the pcap expression'

/**
 * Compiles a tcpdump expression with libpcap, for frames that begin with their Ethernet header. Needs no rights. Names of hosts in it
 * are looked up, for as long as that takes.
 *
 * @throws BpfError `BPF_LIBRARY` if libpcap is not installed, `BPF_EXPRESSION` with libpcap's own words if it refuses the text
 */
export function compilePcapFilter(text: string): ClassicInstruction[] {
  if (text.includes('\0')) throw new BpfError('BPF_EXPRESSION', '', OPERATION, 'it holds a zero byte')
  const reply = compile(text)
  if ('error' in reply) throw new BpfError('BPF_EXPRESSION', '', OPERATION, `libpcap says "${reply.error}"`)
  const view = new DataView(reply.instructions.buffer, reply.instructions.byteOffset, reply.instructions.byteLength)
  return Array.from({ length: view.byteLength / SIZE }, (_, index) => ({
    code: view.getUint16(index * SIZE, true),
    jt: view.getUint8(index * SIZE + 2),
    jf: view.getUint8(index * SIZE + 3),
    k: view.getUint32(index * SIZE + 4, true),
  }))
}

function compile(text: string) {
  try {
    return compileFilter(text)
  } catch (cause) {
    const detail = 'libpcap.so.0.8 cannot be loaded [install the Debian package libpcap0.8]'
    throw new BpfError('BPF_LIBRARY', '', OPERATION, detail, { cause })
  }
}
