import { readFileSync } from 'node:fs'
import { UnsupportedError } from './errors.ts'
import * as libbpf from './ffi/libbpf.ts'
import { MAP_KINDS, type MapKind, PROGRAM_TYPES, type ProgramType } from './kinds.ts'
import { hasTcx } from './link.ts'
import { Program } from './program.ts'
import { tryProgram } from './program-load.ts'
import { check } from './result.ts'

/** `return value`: `mov r0, value; exit`. */
const returns = (value: number): Uint8Array => Uint8Array.of(0xb7, 0, 0, 0, value, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

const CALL = 0x85
const EXIT = 0x95

/** What verifiers of all ages say about a helper that there is not. */
const noHelper = /(invalid|unknown) func|cannot use helper/

const XDP_DROP = 1
const TC_PASS = 0

/** Asks the running kernel what it can. All need the privileges that using the feature needs; they leave nothing behind. */
export const features = {
  /** Whether there are maps of a kind. */
  map(kind: MapKind): boolean {
    return check(libbpf.probeMap(MAP_KINDS[kind], null), `ask for maps of kind ${kind}`) === 1
  },

  /** Whether there are programs of a type. */
  program(type: ProgramType): boolean {
    return check(libbpf.probeProgram(PROGRAM_TYPES[type], null), `ask for programs of type ${type}`) === 1
  },

  /**
   * Whether programs of a type may call a helper, by its number in `enum bpf_func_id`. libbpf 1.1 asks too, but does not
   * understand the answer of Linux 6.10 and newer.
   */
  helper(type: ProgramType, helper: number): boolean {
    const instructions = new Uint8Array(16)
    instructions.set([CALL, 0, 0, 0, helper & 0xff, helper >> 8, 0, 0, EXIT])
    const log = tryProgram({ type, name: 'probe', instructions, license: 'GPL' })
    // Without arguments most calls are refused, but for another reason.
    return log === undefined || !log.some((line) => noHelper.test(line))
  },

  /** Whether a test run can make packets that take effect (Linux 5.18). */
  async liveFrames(): Promise<boolean> {
    const program = await probeProgram('xdp', XDP_DROP)
    try {
      program.testRun({ data: new Uint8Array(64), repeat: 1, liveFrames: true })
      return true
    } catch {
      return false
    } finally {
      program.close()
    }
  },

  /** Whether programs can be linked to the traffic control hook of an interface (Linux 6.6). */
  async tcx(): Promise<boolean> {
    const program = await probeProgram('sched_cls', TC_PASS)
    try {
      return hasTcx(program)
    } finally {
      program.close()
    }
  },
}

/** Something of the kernel that Seawall uses, under the name that the table of docs/kernels.md has for it. */
export interface KernelFeature {
  readonly title: string
  /** The first Linux that has it. */
  readonly minimumKernel: string
  present(): boolean | Promise<boolean>
}

/** Numbers of helpers, `enum bpf_func_id`. */
const RINGBUF_RESERVE = 131
const XDP_LOAD_BYTES = 189
const TCP_RAW_GEN_SYNCOOKIE_IPV4 = 204
const TCP_RAW_GEN_SYNCOOKIE_IPV6 = 205
const TCP_RAW_CHECK_SYNCOOKIE_IPV4 = 206
const TCP_RAW_CHECK_SYNCOOKIE_IPV6 = 207

const syncookieHelpers = [
  TCP_RAW_GEN_SYNCOOKIE_IPV4,
  TCP_RAW_GEN_SYNCOOKIE_IPV6,
  TCP_RAW_CHECK_SYNCOOKIE_IPV4,
  TCP_RAW_CHECK_SYNCOOKIE_IPV6,
]

/** What differs between kernels that Seawall runs on, or limits which those are. */
export const kernelFeatures = {
  'ring-buffer': {
    title: 'ring buffers that XDP programs write',
    minimumKernel: '5.8',
    present: () => features.map('ringbuf') && features.helper('xdp', RINGBUF_RESERVE),
  },
  'sk-lookup': {
    title: 'programs that choose the socket of a packet (sk_lookup)',
    minimumKernel: '5.9',
    present: () => features.program('sk_lookup'),
  },
  'xdp-fragments': {
    title: 'reading of packets in several fragments (bpf_xdp_load_bytes)',
    minimumKernel: '5.18',
    present: () => features.helper('xdp', XDP_LOAD_BYTES),
  },
  'live-frames': {
    title: 'test runs whose packets take effect',
    minimumKernel: '5.18',
    present: () => features.liveFrames(),
  },
  'raw-syncookies': {
    title: 'SYN cookies made and checked in XDP (bpf_tcp_raw_gen_syncookie)',
    minimumKernel: '6.0',
    present: () => syncookieHelpers.every((helper) => features.helper('xdp', helper)),
  },
  'tcx-links': {
    title: 'links to the traffic control hook (TCX)',
    minimumKernel: '6.6',
    present: () => features.tcx(),
  },
  'socket-callbacks': {
    title: 'counting of connections that are older than their rule (TCP_BPF_SOCK_OPS_CB_FLAGS)',
    minimumKernel: '6.12',
    present: () => readFileSync('/sys/kernel/btf/vmlinux').includes('TCP_BPF_SOCK_OPS_CB_FLAGS'),
  },
} as const satisfies Readonly<Record<string, KernelFeature>>

export type KernelFeatureName = keyof typeof kernelFeatures

/**
 * Refuses to go on without something.
 *
 * @throws UnsupportedError
 */
export function requireFeature(present: boolean, feature: string, minimumKernel: string): void {
  if (!present) throw new UnsupportedError(feature, minimumKernel)
}

function probeProgram(type: ProgramType, value: number): Promise<Program> {
  return Program.load({ type, name: 'probe', instructions: returns(value), license: 'GPL' })
}
