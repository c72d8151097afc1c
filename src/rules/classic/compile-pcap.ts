import { compilePcapFilter } from '../../bpf/pcap-filter.ts'
import { checkClassic } from './check.ts'
import { decode } from './decode.ts'
import { ClassicError } from './error.ts'
import type { ClassicProgram } from './operation.ts'
import { refuseNames } from './words.ts'

/** Longest expression, characters: libpcap's optimizer takes seconds for a few thousand. */
export const MAX_PCAP_TEXT = 1024

/**
 * Compiles a tcpdump expression for frames that begin with their Ethernet header.
 *
 * @throws ClassicError if the text is none or makes a program that cannot be used
 * @throws BpfError `BPF_LIBRARY` if libpcap is not installed, `BPF_EXPRESSION` with libpcap's own words if it refuses the text
 */
export function compilePcap(text: string): ClassicProgram {
  if (text.trim() === '')
    throw new ClassicError('PCAP_TEXT', 'A pcap expression is empty, wanted one such as "udp port 53"')
  if (text.length > MAX_PCAP_TEXT) {
    const suggestion = 'put addresses and ports into lists and sets of the rule'
    const message = `A pcap expression has ${text.length} characters, wanted at most ${MAX_PCAP_TEXT}`
    throw new ClassicError('PCAP_TEXT', message, { at: { offset: MAX_PCAP_TEXT, length: 1 }, suggestion })
  }
  const strange = /[^ -~]/.exec(text)
  if (strange) {
    const message = `A pcap expression holds ${JSON.stringify(strange[0])}, wanted printable ASCII`
    const suggestion = 'in a rule, libpcap\'s backslash is written twice: "ip proto \\\\tcp"'
    throw new ClassicError('PCAP_TEXT', message, { at: { offset: strange.index, length: 1 }, suggestion })
  }
  refuseNames(text)
  return checkClassic(compilePcapFilter(text).map(decode))
}
