import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket, type DnsOptions, dns } from './build.ts'
import { type DnsQuestion, readQuestion } from './dns-question.ts'

const read = (bytes: Uint8Array): DnsQuestion | null => readQuestion(bytes, 0, bytes.length)
const query = (name: string, options: DnsOptions = {}): Uint8Array =>
  buildPacket(dns({ questions: [{ name, type: 255, class: 3 }], ...options }))

/** A message of one question with this name on the wire, cut to `length` bytes behind the header. */
function message(wire: readonly number[], length = wire.length): Uint8Array {
  const bytes = new Uint8Array(12 + length)
  bytes[5] = 1
  bytes.set(wire.slice(0, length), 12)
  return bytes
}

test('readQuestion() reads name, type and class, the name in lower case', () => {
  const question = read(query('wWw.Example.COM'))
  assert.equal(new TextDecoder('latin1').decode(question?.wire), '\x03www\x07example\x03com\x00')
  assert.equal(question?.labels, 3)
  assert.equal(question?.nameLength, 15)
  assert.equal(question?.type, 255)
  assert.equal(question?.class, 3)
})

test('readQuestion() gives the root no labels and no length', () => {
  const { labels, nameLength } = read(query('')) ?? {}
  assert.deepEqual([labels, nameLength], [0, 0])
})

test('readQuestion() is null without a question', () => {
  assert.equal(read(query('a', { questionCount: 0 })), null)
  assert.equal(read(buildPacket(dns())), null)
})

test('readQuestion() is null unless type and class follow the name', () => {
  const wire = [1, 0x61, 0, 0, 1, 0, 1]
  assert.ok(read(message(wire)))
  for (let length = 0; length < wire.length; length++)
    assert.equal(read(message(wire, length)), null, `${length} bytes`)
})

test('readQuestion() is null for compression and labels of 64 bytes', () => {
  assert.equal(read(message([0xc0, 12, 0, 1, 0, 1])), null)
  assert.equal(read(message([64, ...new Array<number>(64).fill(0x61), 0, 0, 1, 0, 1])), null)
  assert.ok(read(message([63, ...new Array<number>(63).fill(0x61), 0, 0, 1, 0, 1])))
})

test('readQuestion() takes names of 255 bytes and not of 256', () => {
  const labels = (count: number): number[] => new Array<number[]>(count).fill([1, 0x69]).flat()
  assert.equal(read(message([...labels(127), 0, 0, 1, 0, 1]))?.labels, 127)
  assert.equal(read(message([2, 0x69, 0x69, ...labels(126), 0, 0, 1, 0, 1])), null)
})
