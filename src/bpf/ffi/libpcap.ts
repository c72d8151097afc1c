import koffi from 'koffi'
import { cString, viewOf } from './memory.ts'

/** `DLT_EN10MB`: frames begin with their Ethernet header. */
const ETHERNET = 1
/** What an accepting program returns: the most that libpcap takes. */
const SNAPLEN = 262_144
/** There is no network mask, so `ip broadcast` is refused. */
const UNKNOWN_NETMASK = 0xffff_ffff
/** `struct bpf_program`: u32 bf_len, pointer bf_insns. */
const PROGRAM_SIZE = 16
const INSTRUCTIONS = 8
/** `struct bpf_insn`: u16 code, u8 jt, u8 jf, u32 k. */
const INSTRUCTION_SIZE = 8

type Pointer = bigint

/** The program's instructions, 8 bytes each, or why there is none in libpcap's own words. */
export type PcapReply = { readonly instructions: Uint8Array } | { readonly error: string }

let library: ReturnType<typeof open> | undefined

/** @throws whatever the loader says if libpcap is not there. */
function open() {
  const library = koffi.load('libpcap.so.0.8')
  return {
    openDead: library.func('void *pcap_open_dead(int linktype, int snaplen)'),
    compile: library.func(
      'int pcap_compile(void *pcap, void *program, const char *text, int optimize, uint32_t netmask)',
    ),
    freeCode: library.func('void pcap_freecode(void *program)'),
    lastError: library.func('const char *pcap_geterr(void *pcap)'),
    close: library.func('void pcap_close(void *pcap)'),
  }
}

/**
 * Compiles an expression of tcpdump's for Ethernet frames, as `tcpdump -d` does.
 * @throws whatever the loader says if libpcap is not there; it is tried again at the next call.
 */
export function compileFilter(text: string): PcapReply {
  library ??= open()
  const pcap = library.openDead(ETHERNET, SNAPLEN) as Pointer | null
  if (pcap === null) return { error: 'out of memory' }
  const program = new Uint8Array(PROGRAM_SIZE)
  try {
    if (library.compile(pcap, program, cString(text), 1, UNKNOWN_NETMASK) !== 0)
      return { error: library.lastError(pcap) as string }
    const instructions = copyInstructions(program)
    library.freeCode(program)
    return { instructions }
  } finally {
    library.close(pcap)
  }
}

function copyInstructions(program: Uint8Array): Uint8Array {
  const view = viewOf(program)
  const size = view.getUint32(0, true) * INSTRUCTION_SIZE
  return new Uint8Array(koffi.view(view.getBigUint64(INSTRUCTIONS, true), size)).slice()
}
