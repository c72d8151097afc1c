import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { BpfError } from '../../src/bpf/index.ts'
import { type ClassicInstruction, compilePcapFilter } from '../../src/bpf/pcap-filter.ts'
import { checkClassic } from '../../src/rules/classic/check.ts'
import { decode } from '../../src/rules/classic/decode.ts'
import { ClassicError, type ClassicProgram, formatClassic, interpret } from '../../src/rules/classic/index.ts'
import { randomClassic } from '../arbitraries/classic.ts'
import { garbage } from '../arbitraries/garbage.ts'
import { everyCut, randomPacket } from '../arbitraries/packet.ts'
import { randomPcap } from '../arbitraries/pcap.ts'
import { Random } from '../arbitraries/random.ts'
import { loadClassic } from '../support/classic-filter.ts'
import { ClassicSocket } from '../support/classic-socket.ts'
import { PacketRunner } from '../support/packet-runner.ts'

/** Set SEAWALL_PAIRS for a longer run of each test, and SEAWALL_SEED to begin elsewhere. */
const WANTED_PAIRS = Number(process.env.SEAWALL_PAIRS ?? 110_000)
const FIRST_SEED = Number(process.env.SEAWALL_SEED ?? 1)
const PACKETS_A_PROGRAM = 256
/** What an XDP test run takes at least. */
const MIN_XDP = 14

let runner: PacketRunner
let socket: ClassicSocket

before(async () => {
  runner = await PacketRunner.create()
  socket = new ClassicSocket()
})

after(() => {
  runner.close()
  socket.close()
})

/** Frames of all kinds; some cut anywhere, some of a single one cut everywhere. */
function packetsOf(random: Random): Uint8Array[] {
  const packets = everyCut(randomPacket(random).slice(0, 100))
  while (packets.length < PACKETS_A_PROGRAM) {
    const packet = random.chance(0.85) ? randomPacket(random) : garbage(random, random.int(0, 300))
    packets.push(random.chance(0.15) ? packet.slice(0, random.int(0, packet.length)) : packet)
  }
  return packets
}

/** Whether a number that a program returns is what a socket did with a packet: it trims what it lets through. */
const isWhatHappened = (returned: number, packet: Uint8Array, passed: number): boolean =>
  returned === 0 ? passed === -1 : passed === Math.min(returned, packet.length)

/** Compares the interpreter and the translation with the kernel; returns how many of the packets match. */
async function compare(name: string, instructions: readonly ClassicInstruction[], packets: readonly Uint8Array[]) {
  const program = checkClassic(instructions.map(decode))
  assert.ok(socket.attach(instructions), `${name}: the kernel refuses it\n${formatClassic(program).join('\n')}`)
  const matches = packets.map((packet) => {
    const [passed, returned] = [socket.run(packet), interpret(program, packet)]
    if (!isWhatHappened(returned, packet, passed))
      assert.fail(explain(name, program, packet, `the interpreter returns ${returned}, the socket passes ${passed}`))
    return returned !== 0
  })
  const frames = packets.map((_, index) => index).filter((index) => packets[index]!.length >= MIN_XDP)
  const translated = await loadClassic(program, runner.trace.fd)
  try {
    const verdicts = runner.run(
      { program: translated },
      frames.map((index) => packets[index]!),
    )
    frames.forEach((index, place) => {
      if ((verdicts[place]!.slot === 1) !== matches[index])
        assert.fail(
          explain(
            name,
            program,
            packets[index]!,
            `the translation gives ${verdicts[place]!.slot}, wanted ${matches[index]}`,
          ),
        )
    })
  } finally {
    translated.close()
  }
  return { pairs: frames.length, matches: matches.filter((match) => match).length }
}

const explain = (name: string, program: ClassicProgram, packet: Uint8Array, what: string): string =>
  `${name}: ${what}\npacket ${Buffer.from(packet).toString('hex')}\n${formatClassic(program).join('\n')}`

/** The instructions of an expression; none if libpcap refuses it, or Seawall and the kernel do. */
function compileText(text: string): ClassicInstruction[] | undefined {
  try {
    const instructions = compilePcapFilter(text)
    try {
      checkClassic(instructions.map(decode))
      return instructions
    } catch (error) {
      if (!(error instanceof ClassicError) || socket.attach(instructions)) throw error
      return undefined
    }
  } catch (error) {
    if (error instanceof BpfError && error.code === 'BPF_EXPRESSION') return undefined
    throw error
  }
}

test('pcap expressions: interpreter and translation agree with a classic filter on a socket', async (t) => {
  let [pairs, matches, refused, seed] = [0, 0, 0, FIRST_SEED]
  for (; pairs < WANTED_PAIRS; seed++) {
    const random = new Random(seed)
    const text = randomPcap(random)
    const instructions = compileText(text)
    if (!instructions) {
      refused++
      continue
    }
    const result = await compare(`seed ${seed}, "${text}"`, instructions, packetsOf(random))
    pairs += result.pairs
    matches += result.matches
  }
  const share = (matches / pairs).toFixed(2)
  t.diagnostic(
    `${pairs} pairs agree, seeds ${FIRST_SEED} to ${seed - 1}; ${refused} expressions refused, ${share} match`,
  )
  assert.ok(refused * 2 < seed - FIRST_SEED, `libpcap refused ${refused} of ${seed - FIRST_SEED} expressions`)
  assert.ok(matches > pairs * 0.02 && matches < pairs * 0.98, `${share} of the packets match`)
})

test('classic programs: interpreter and translation agree with a classic filter on a socket', async (t) => {
  let [pairs, matches, seed] = [0, 0, FIRST_SEED]
  for (; pairs < WANTED_PAIRS; seed++) {
    const random = new Random(seed)
    const result = await compare(`seed ${seed}`, randomClassic(random), packetsOf(random))
    pairs += result.pairs
    matches += result.matches
  }
  const share = (matches / pairs).toFixed(2)
  t.diagnostic(`${pairs} pairs agree, seeds ${FIRST_SEED} to ${seed - 1}; ${share} match`)
  assert.ok(matches > pairs * 0.02 && matches < pairs * 0.98, `${share} of the packets match`)
})

const plain = (code: number, k = 0): ClassicInstruction => ({ code, jt: 0, jf: 0, k })
const [STORE_X, RECALL_X, LOAD_AT, ADD, TAX, CONSTANT_X] = [0x03, 0x61, 0x40, 0x04, 0x07, 0x01]
const [RETURN, RETURN_A] = [plain(0x06, 1), plain(0x16)]

/** What random programs have seldom. */
const corners: Readonly<Record<string, readonly ClassicInstruction[]>> = {
  'every packet': [RETURN],
  'no packet': [plain(0x06, 0)],
  'every packet, by way of a jump': [{ code: 0x15, jt: 0, jf: 0, k: 0 }, RETURN],
  'a load behind every packet': [plain(0x28, 0xfffe), RETURN],
  'a load behind what the verifier allows': [plain(0x28, 0xffff), RETURN],
  'the furthest offset of an instruction, and one more': [plain(0x30, 0x7fff), plain(0x30, 0x8000), RETURN],
  'X and a great offset, which verifiers from 6.12 on remember': [
    plain(STORE_X, 0),
    plain(RECALL_X, 0),
    plain(LOAD_AT, 0x7fff_ffff),
    RETURN,
  ],
  'A and a great number, as X': [plain(0x20, 0), plain(ADD, 0x7fff_ffff), plain(TAX), plain(LOAD_AT, 0), RETURN],
  'an index that wraps around': [plain(CONSTANT_X, 0xffff_fffe), plain(LOAD_AT, 3), RETURN_A],
  'a header length and a far offset': [plain(0xb1, 14), plain(0x50, 0x3fff), plain(0x50, 0x4000), RETURN],
  'one header length after another, the longer first': [
    plain(0xb1, 14),
    plain(0x50, 60),
    plain(0xb1, 15),
    plain(0x50, 20),
    RETURN_A,
  ],
  'one header length after another, the shorter first': [
    plain(0xb1, 15),
    plain(0x50, 20),
    plain(0xb1, 14),
    plain(0x50, 60),
    RETURN,
  ],
  'shifts by 32 and more': [
    plain(0x30, 0),
    plain(CONSTANT_X, 33),
    plain(0x6c),
    plain(CONSTANT_X, 64),
    plain(0x7c),
    { code: 0x25, jt: 0, jf: 1, k: 255 },
    RETURN,
    RETURN_A,
  ],
  'one header length or another': [
    plain(0x20, 0),
    { code: 0x15, jt: 0, jf: 2, k: 0xffff_ffff },
    plain(0xb1, 14),
    plain(0x05, 1),
    plain(0xb1, 15),
    plain(0x48, 14),
    plain(0x48, 16),
    RETURN_A,
  ],
}

test('classic programs: corner cases agree with a classic filter on a socket', async () => {
  const random = new Random(1)
  const packets = [...packetsOf(random), random.bytes(2048)]
  for (const [name, program] of Object.entries(corners)) await compare(name, program, packets)
})

test('pcap("…") on a machine without libpcap names the Debian package', () => {
  const script = `
    import { parseRule } from './src/rules/index.ts'
    parseRule('drop if udp')
    try { parseRule('drop if pcap("udp")') } catch ({ code, message }) { console.log(code, message) }
  `
  const hide =
    'mount --bind /dev/null "$(/sbin/ldconfig -p | grep -o "/.*libpcap.so.0.8" | head -n 1)" && exec "$0" "$@"'
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]
  const run = spawnSync('unshare', ['--mount', 'sh', '-c', hide, ...node], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  assert.match(
    run.stdout,
    /^RULE_LIBRARY Cannot compile the pcap expression: .*\[install the Debian package libpcap0\.8\], at line 1, column 14\n/,
  )
})
