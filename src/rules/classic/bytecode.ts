import { compilePcap } from './compile-pcap.ts'
import { encodeClassic } from './encode.ts'
import { ClassicError } from './error.ts'
import { toNetwork } from './network.ts'
import type { ClassicProgram } from './operation.ts'

/** Instructions that `-m bpf` takes (`XT_BPF_MAX_NUM_INSTR`). */
const MOST = 64

const ETHERTYPES = { 4: 0x0800, 6: 0x86dd } as const

/**
 * What `iptables -m bpf --bytecode` (version 4) or `ip6tables` (6) takes for a tcpdump expression: it matches the packets that
 * `pcap("…")` matches in a rule.
 *
 * @throws ClassicError, BpfError as {@link compilePcap}; ClassicError `CLASSIC_FRAME` if it needs the frame, `CLASSIC_LONG` if it is too long
 */
export function bytecode(text: string, version: 4 | 6): string {
  const program = toNetwork(compilePcap(text), ETHERTYPES[version])
  if (program.length > MOST) {
    const suggestion = 'ask for less, or use -m bpf --object-pinned'
    const message = `It takes ${program.length} instructions, wanted at most ${MOST}, which is all that iptables takes as bytecode`
    throw new ClassicError('CLASSIC_LONG', message, { suggestion })
  }
  return formatBytecode(program)
}

/** The number of instructions, and each as code, jt, jf and k. */
export function formatBytecode(program: ClassicProgram): string {
  const instructions = encodeClassic(program).map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)
  return [program.length, ...instructions].join(',')
}
