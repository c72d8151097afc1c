import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytecode, interpret } from '../../rules/classic/index.ts'
import { parseCookieProgram } from './program-text.ts'

const same = (text: string): string => formatBytecode(parseCookieProgram(text))

test('programs are read as tcpdump and iptables write them, and written as one text', () => {
  const text = '5,48 0 0 0,21 0 2 64,40 0 0 1,22 0 0 0,6 0 0 0'
  assert.equal(same(text), text)
  assert.equal(same('5\n48 0 0 0\n21 0 2 64\n40 0 0 1\n22 0 0 0\n6 0 0 0\n'), text)
  assert.equal(same(' 2, 0x28 0 0 0x0 ,22 0 0 0 '), '2,40 0 0 0,22 0 0 0')
  const program = parseCookieProgram(text)
  assert.deepEqual(
    [[0x40, 0x12, 0x34], [0x41, 0x12, 0x34], [0x40, 0x12], []].map((bytes) =>
      interpret(program, Uint8Array.from(bytes)),
    ),
    [0x1234, 0, 0, 0],
  )
})

test('what is no program is refused', () => {
  for (const [text, message] of [
    [undefined, /it begins with "", wanted the number of its instructions/],
    ['1,40 0 0 0,22 0 0 0', /it begins with "1", wanted .* of which there are 2/],
    ['1,22 0 0', /instruction 0 is "22 0 0"/],
    ['1,22 0 0 4294967296', /instruction 0 is/],
    ['1,22 256 0 0', /instruction 0 is/],
    ['1,-6 0 0 0', /instruction 0 is/],
    ['0', /It has 0 instructions/],
    ['2,32 0 0 4294963204,22 0 0 0', /asks the socket and not the packet/],
    ['2,52 0 0 0,6 0 0 0', /divides by zero/],
  ] as const)
    assert.throws(() => parseCookieProgram(text), { name: 'ClassicError', message })
})
