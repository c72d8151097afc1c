import type * as Bpf from '../../bpf/index.ts'
import { Assembler, Helper, r0, r1, r2 } from '../../rules/asm/index.ts'
import { type Finding, note, ok, problem } from './finding.ts'

type BpfModule = typeof Bpf

/** What the kernel's BPF can do, as far as Seawall needs it: each feature is used once, which needs privileges. */
export async function bpfFindings(privileged: boolean): Promise<Finding[]> {
  const bpf = await loadBpf()
  if (bpf instanceof Error) {
    return [problem('libbpf', `cannot be loaded: ${bpf.message}`, 'apt install libbpf1 (1.1 or newer)')]
  }
  if (!privileged) return [ok('libbpf', 'loaded'), note('bpf', 'cannot be tried without root')]
  const maps = mapNeeds.map(([check, what, map]) => attempt(check, what, () => bpf.BpfMap.create(map).close()))
  const xdp = attempt('bpf.xdp', XDP, () => runXdp(bpf))
  return [ok('libbpf', 'loaded'), ...(await Promise.all([...maps, xdp])), helpers(bpf)]
}

/** libbpf is looked for when the module is loaded. */
async function loadBpf(): Promise<BpfModule | Error> {
  try {
    return await import('../../bpf/index.ts')
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const MMAPABLE = 1 << 10
const PAGE = 4_096

type MapNeed = readonly [check: string, what: string, map: Bpf.MapDefinition]

const word = { name: 'doctor', keySize: 4, valueSize: 8, maxEntries: 1 }

const mapNeeds: readonly MapNeed[] = [
  ['bpf.map', 'maps that user space sees as memory (Linux 5.5)', { ...word, kind: 'array', flags: MMAPABLE }],
  ['bpf.counters', 'counters for each CPU (Linux 4.6)', { ...word, kind: 'percpu_array' }],
  ['bpf.tail-calls', 'programs that go on with another (Linux 4.2)', { ...word, kind: 'prog_array', valueSize: 4 }],
  [
    'bpf.samples',
    'ring buffers (Linux 5.8)',
    { name: 'doctor', kind: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: PAGE },
  ],
]

const XDP = 'an XDP program with atomic instructions (Linux 5.12) and jiffies (5.5), verified and run'

/** Loads the smallest program that has what rules compile to, and sends one packet through it. */
async function runXdp(bpf: BpfModule): Promise<void> {
  const map = bpf.BpfMap.create({ ...word, kind: 'array', flags: MMAPABLE })
  try {
    const assembler = new Assembler()
    assembler.call(Helper.jiffies64)
    assembler.loadMapValue(r1, 'map')
    assembler.mov(r2, r0)
    assembler.atomic('fetchAdd', 'u64', r1, 0, r2)
    assembler.mov(r0, 2)
    assembler.exit()
    const instructions = assembler.assemble(() => map.fd)
    const program = await bpf.Program.load({ type: 'xdp', name: 'doctor', instructions, license: 'Dual BSD/GPL' })
    try {
      program.testRun({ data: new Uint8Array(64) })
    } finally {
      program.close()
    }
  } finally {
    map.close()
  }
}

/** Kernel functions that rules compile to calls of, and since when XDP programs may call them. */
const wantedHelpers = [
  [Helper.mapLookup, 'map_lookup_elem', '3.19'],
  [Helper.ktimeGetNs, 'ktime_get_ns', '4.1'],
  [Helper.tailCall, 'tail_call', '4.2'],
  [Helper.jiffies64, 'jiffies64', '5.5'],
  [Helper.ringbufReserve, 'ringbuf_reserve', '5.8'],
  [Helper.xdpLoadBytes, 'xdp_load_bytes', '5.18'],
] as const

function helpers({ features }: BpfModule): Finding {
  const missing = wantedHelpers.filter(([number]) => !features.helper('xdp', number))
  if (missing.length === 0) return ok('bpf.helpers', wantedHelpers.map(([, name]) => name).join(', '))
  const names = missing.map(([, name, since]) => `${name} (Linux ${since})`).join(', ')
  return problem('bpf.helpers', `XDP programs cannot call ${names}`, 'install a newer kernel; Debian 12 has 6.1')
}

async function attempt(check: string, what: string, work: () => void | Promise<void>): Promise<Finding> {
  try {
    await work()
    return ok(check, what)
  } catch (error) {
    const { message, errno } = error as Error & { errno?: string }
    const remedy =
      errno === 'EPERM'
        ? 'run as root, and without a seccomp filter against bpf(2)'
        : 'install a newer kernel; Debian 12 has 6.1'
    return problem(check, `${what}: ${message}`, remedy)
  }
}
