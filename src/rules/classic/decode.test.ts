import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePcapFilter } from '../../bpf/pcap-filter.ts'
import { checkClassic } from './check.ts'
import { decode } from './decode.ts'
import { ClassicError } from './error.ts'
import { formatClassic } from './format.ts'

const plain = (code: number, k = 0) => ({ code, jt: 0, jf: 0, k })
const refuses = (code: ClassicError['code'], words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ClassicError)
  assert.equal(error.code, code)
  assert.match(error.message, words)
  return true
}

test('decode() and formatClassic() write a program as tcpdump -d does', () => {
  const program = checkClassic(compilePcapFilter('ip and tcp[2:2] * 3 = 9 and len > 60').map(decode))
  assert.deepEqual(formatClassic(program), [
    '(000) ldh [12]',
    '(001) jeq #0x800 jt 2 jf 13',
    '(002) ldb [23]',
    '(003) jeq #0x6 jt 4 jf 13',
    '(004) ldh [20]',
    '(005) jset #0x1fff jt 13 jf 6',
    '(006) ldxb 4*([14]&0xf)',
    '(007) ldh [x + 16]',
    '(008) mul #3',
    '(009) jeq #0x9 jt 10 jf 13',
    '(010) ld #pktlen',
    '(011) jgt #0x3c jt 12 jf 13',
    '(012) ret #262144',
    '(013) ret #0',
  ])
})

test('decode() refuses what is none of the machine, and extensions of Linux, by name', () => {
  for (const code of [0x08, 0x10, 0x20 | 0x18, 0x0e, 0x29, 0xff, 0x1006, 0x0d | 0x50])
    assert.throws(() => decode(plain(code), 7), refuses('CLASSIC_UNKNOWN', /Instruction 7 \(code 0x[0-9a-f]+, k 0x0\)/))
  const vlanTag = plain(0x28, 0xffff_f02c)
  assert.throws(
    () => decode(vlanTag, 0),
    refuses('CLASSIC_UNKNOWN', /k 0xfffff02c\) asks the socket and not the packet/),
  )
  assert.throws(() => decode(plain(0xb1, 0xffe0_0000), 0), refuses('CLASSIC_UNKNOWN', /extension of Linux/))
})

test('checkClassic() refuses what the kernel refuses, and names the instruction', () => {
  const [end, ifZero] = [plain(0x06, 1), { code: 0x15, jt: 0, jf: 0, k: 0 }]
  const cases: readonly [readonly (typeof ifZero)[], RegExp][] = [
    [[], /It has 0 instructions, wanted 1 to 4096/],
    [new Array(4097).fill(end), /It has 4097 instructions/],
    [[plain(0x00, 1)], /Instruction 0, "ld #0x1", goes on behind the end/],
    [[{ ...ifZero, jt: 1 }, end], /Instruction 0, .* goes on behind the end/],
    [[end, plain(0x05, 0xffff_fffe)], /Instruction 1, "ja 0", jumps backwards, as "protochain" does/],
    [[plain(0x34, 0), end], /"div #0", divides by zero/],
    [[plain(0x94, 0), end], /"mod #0", divides by zero/],
    [[plain(0x64, 32), end], /"lsh #32", shifts by more than 31 bits/],
    [[plain(0x02, 16), end], /"st M\[16\]", has no cell 16, wanted 0 to 15/],
    [[plain(0x60, 3), end], /"ld M\[3\]", reads cell 3, which is not written on every way there/],
    [[{ ...ifZero, jt: 0, jf: 1 }, plain(0x02, 3), plain(0x61, 3), end], /Instruction 2, "ldx M\[3\]", reads cell 3/],
  ]
  for (const [program, words] of cases)
    assert.throws(() => checkClassic(program.map(decode)), refuses('CLASSIC_UNSOUND', words))
  checkClassic([plain(0x02, 3), { ...ifZero, jf: 1 }, plain(0x61, 3), end].map(decode))
})
