import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePattern, MAX_PATTERNS, PATTERN_SIZE, type Pattern } from './pattern.ts'
import { allPatterns } from './patterns.ts'

const target = {
  srcMac: '02:00:00:00:01:01',
  dstMac: '02:00:00:00:01:02',
  ipv4: '192.0.2.53',
  ipv6: '2001:db8:53::53',
  zone: 'seawall.example',
}

test('allPatterns() are all within what the flood program can send', () => {
  const patterns = allPatterns(target)
  assert.ok(patterns.length <= MAX_PATTERNS)
  assert.equal(new Set(patterns.map(({ name }) => name)).size, patterns.length)
  for (const pattern of patterns) assert.equal(encodePattern(pattern).length, PATTERN_SIZE)
})

test('allPatterns() use at least one pattern over IPv6', () => {
  assert.ok(allPatterns(target).some(({ template }) => template[12] === 0x86 && template[13] === 0xdd))
})

const pattern: Pattern = {
  name: 'plain',
  weight: 1,
  template: new Uint8Array(60),
  patches: [{ offset: 26, choices: [0x01020304, 0x05060708], mask: 0xff, checksums: 'none' }],
}

test('encodePattern() writes choices as they stand in the frame, again and again', () => {
  const bytes = encodePattern(pattern)
  assert.deepEqual([...bytes.subarray(24, 44)], [26, 0, 0, 0, 0, 0, 0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4])
})

test('encodePattern() refuses what the program would get wrong', () => {
  const patch = pattern.patches[0]!
  const broken: [Partial<Pattern>, RegExp][] = [
    [{ weight: 0 }, /"plain".*weight/],
    [{ template: new Uint8Array(600) }, /600 bytes/],
    [{ template: new Uint8Array(10) }, /10 bytes/],
    [{ patches: Array.from({ length: 9 }, () => patch) }, /9 patches/],
    [{ patches: [{ ...patch, offset: 27 }] }, /at 27/],
    [{ patches: [{ ...patch, offset: 58 }] }, /at 58/],
    [{ patches: [{ ...patch, choices: [1, 2, 3] }] }, /3 choices/],
    [{ l4ChecksumAt: 300 }, /at 300/],
  ]
  for (const [change, message] of broken) assert.throws(() => encodePattern({ ...pattern, ...change }), message)
})
