import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomPacket } from '../../../tests/arbitraries/packet.ts'
import { randomPcap } from '../../../tests/arbitraries/pcap.ts'
import { Random } from '../../../tests/arbitraries/random.ts'
import { bytecode } from './bytecode.ts'
import { checkClassic } from './check.ts'
import { compilePcap } from './compile-pcap.ts'
import { decode } from './decode.ts'
import { encodeClassic } from './encode.ts'
import { ClassicError } from './error.ts'
import { interpret } from './interpret.ts'
import { toNetwork } from './network.ts'
import type { ClassicProgram } from './operation.ts'

test('bytecode() is what iptables takes, without what only other EtherTypes have', () => {
  assert.equal(bytecode('udp', 4), '4,48 0 0 9,21 0 1 17,6 0 0 262144,6 0 0 0')
  assert.equal(bytecode('ip6', 4), '1,6 0 0 0')
  assert.equal(bytecode('ip6', 6), '1,6 0 0 262144')
  assert.equal(bytecode('len > 60', 4), '5,128 0 0 0,4 0 0 14,37 0 1 60,6 0 0 262144,6 0 0 0')
})

test('bytecode() refuses what needs the frame, and what is too long', () => {
  assert.throws(() => bytecode('ether host 2:0:0:0:0:1', 4), {
    code: 'CLASSIC_FRAME',
    message: /reads Ethernet addresses/,
  })
  const long = Array.from({ length: 40 }, (_, i) => `udp port ${i + 1}`).join(' or ')
  assert.throws(() => bytecode(long, 4), { code: 'CLASSIC_LONG', message: /wanted at most 64/ })
})

test('encodeClassic() undoes decode()', () => {
  const program = compilePcap('(tcp[13] & 2 != 0 and len > 60) or (ip6 and udp portrange 5-9) or ip[2:2] % 3 = ip[8]')
  assert.deepEqual(encodeClassic(program).map(decode), program)
})

/** Expressions whose programs can do without the frame. */
function networkProgram(text: string, etherType: number): ClassicProgram | undefined {
  try {
    return checkClassic(toNetwork(compilePcap(text), etherType))
  } catch (error) {
    if (error instanceof ClassicError && error.code === 'CLASSIC_FRAME') return undefined
    throw error
  }
}

test('toNetwork() makes the same of a packet as the program makes of its frame', () => {
  const random = new Random(20_261_124)
  const packets = Array.from({ length: 200 }, () => randomPacket(random)).filter((packet) => packet.length >= 14)
  let compared = 0
  for (let i = 0; i < 300; i++) {
    const text = randomPcap(random)
    for (const packet of packets) {
      const etherType = new DataView(packet.buffer, packet.byteOffset).getUint16(12)
      if (etherType !== 0x0800 && etherType !== 0x86dd) continue
      const program = tryNetwork(text, etherType)
      if (program === undefined) continue
      assert.equal(interpret(program, packet.subarray(14)) !== 0, interpret(compilePcapOnce(text), packet) !== 0, text)
      compared++
    }
  }
  assert.ok(compared > 5_000, `${compared} compared`)
})

const programs = new Map<string, ClassicProgram | undefined>()

function once(key: string, make: () => ClassicProgram | undefined): ClassicProgram | undefined {
  if (!programs.has(key)) programs.set(key, make())
  return programs.get(key)
}

const compilePcapOnce = (text: string): ClassicProgram => once(text, () => compilePcap(text))!

function tryNetwork(text: string, etherType: number): ClassicProgram | undefined {
  return once(`${etherType} ${text}`, () => {
    try {
      return networkProgram(text, etherType)
    } catch (error) {
      // Expressions that libpcap refuses.
      if ((error as { code?: string }).code === 'BPF_EXPRESSION' || error instanceof ClassicError) return undefined
      throw error
    }
  })
}
