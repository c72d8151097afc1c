import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyPrefix } from '../../../tests/arbitraries/prefix.ts'
import { formatPrefix, parsePrefix } from '../../net/prefix.ts'
import { formatSetFile, parseSetFile } from './parse-file.ts'
import { PrefixSet } from './prefix-set.ts'
import { SetFileError } from './set-file-error.ts'

const parse = (text: string, maxProblems?: number) =>
  parseSetFile(Buffer.from(text), { name: 'bogons.txt', ...(maxProblems === undefined ? {} : { maxProblems }) })

async function failure(text: string, maxProblems?: number): Promise<SetFileError> {
  try {
    await parse(text, maxProblems)
  } catch (error) {
    assert.ok(error instanceof SetFileError)
    return error
  }
  assert.fail(`No error for ${JSON.stringify(text)}`)
}

test('parseSetFile reads prefixes and addresses, comments, blanks and any line ends', async () => {
  const set = await parse(
    '\ufeff# bogons\r\n10.0.0.0/8\r\n\n   \t\n  192.0.2.1\t# one host\n2001:DB8::/32 ; as Spamhaus writes it\n::ffff:192.0.2.9\n10.0.0.0/8\n::/0\n#\n;\n0.0.0.0/0',
  )
  const expected = ['0.0.0.0/0', '10.0.0.0/8', '192.0.2.1/32', '::/0', '::ffff:192.0.2.9/128', '2001:db8::/32']
  assert.deepEqual([...set].map(formatPrefix), expected)
})

test('parseSetFile reads an empty file as an empty set', async () => {
  for (const text of ['', '\n', '\r\n', '# nothing']) assert.equal((await parse(text)).size, 0)
})

test('parseSetFile reads what formatSetFile writes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyPrefix), async (list) => {
      const set = new PrefixSet(list)
      assert.deepEqual([...(await parse(formatSetFile(set)))], [...set])
    }),
  )
})

test('parseSetFile takes a line exactly when parsePrefix does', async () => {
  const part = fc.constantFrom(
    '0',
    '1',
    '01',
    '255',
    '256',
    'ff',
    'FfFf',
    '12345',
    '.',
    ':',
    '::',
    '/',
    '8',
    '32',
    '33',
    '128',
    '129',
    'g',
    ' ',
  )
  const line = fc.oneof(
    fc.array(part, { maxLength: 18 }).map((parts) => parts.join('')),
    fc.array(fc.constantFrom('0', '7', 'a0', '255'), { minLength: 1, maxLength: 9 }).map((parts) => parts.join(':')),
    fc
      .tuple(anyPrefix, fc.integer({ min: 0, max: 130 }))
      .map(([prefix, length]) => formatPrefix(prefix).replace(/\/.*/, `/${length}`)),
    fc.tuple(anyPrefix, fc.nat({ max: 40 }), part).map(([prefix, at, text]) => {
      const whole = formatPrefix(prefix)
      return whole.slice(0, at) + text + whole.slice(at)
    }),
  )
  await fc.assert(
    fc.asyncProperty(line, async (text) => {
      const trimmed = text.trim()
      if (trimmed === '') return
      const expected = attempt(() => formatPrefix(parsePrefix(trimmed)))
      const found = await parse(text).then(
        (set) => [...set].map(formatPrefix)[0],
        () => undefined,
      )
      assert.equal(found, expected)
    }),
    { numRuns: 3000 },
  )
})

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

test('parseSetFile names file, line, what it found and what it wanted', async () => {
  const error = await failure('10.0.0.0/8\nlocalhost\n10.0.0.0/33 # no such length\n')
  assert.equal(error.code, 'SET_FILE_LINES')
  assert.equal(
    error.message,
    [
      'Cannot read set file "bogons.txt": 2 bad lines',
      'bogons.txt:2: found "localhost", wanted an address or a prefix (such as 192.0.2.0/24 or 2001:db8::/32)',
      'bogons.txt:3: found "10.0.0.0/33", wanted an address or a prefix (such as 192.0.2.0/24 or 2001:db8::/32)',
    ].join('\n'),
  )
})

test('parseSetFile suggests the prefix without its host bits', async () => {
  const error = await failure('10.1.2.3/8\n2001:db8::1/32')
  assert.match(error.message, /bogons.txt:1: found "10.1.2.3\/8", whose host bits are set.*\(write 10.0.0.0\/8\)/)
  assert.match(error.message, /bogons.txt:2: found "2001:db8::1\/32".*\(write 2001:db8::\/32\)/)
})

test('parseSetFile finds the one bad line in many', async () => {
  const lines = Array.from({ length: 200_000 }, (_, i) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`)
  lines[123_455] = '10.0.0.256'
  const error = await failure(lines.join('\n'))
  assert.deepEqual(
    error.problems.map(({ line }) => line),
    [123_456],
  )
})

test('parseSetFile counts what it does not list, and cuts long lines', async () => {
  const error = await failure(`${'x'.repeat(5000)}\n`.repeat(14))
  assert.equal(error.problems.length, 10)
  assert.match(error.message, /14 bad lines/)
  assert.match(error.message, /and 4 more$/)
  assert.match(error.message, /found "x{50}…"/)
  assert.ok(error.message.length < 2000)
  assert.equal((await failure('a\nb\nc', 1)).problems.length, 1)
})

test('parseSetFile reports garbage without breaking lines of its own', async () => {
  const garbage = Uint8Array.from({ length: 4096 }, (_, i) => Math.imul(i + 1, 0x9e37_79b1) >>> 24)
  await assert.rejects(parseSetFile(garbage, { name: 'noise' }), (error: SetFileError) => {
    assert.ok(
      error.message
        .split('\n')
        .slice(1)
        .every((line) => /^(noise:\d+: |and )/.test(line)),
    )
    return true
  })
})

test('parseSetFile keeps the cause if the file cannot be read', async () => {
  await assert.rejects(parseSetFile('/nonexistent/set'), (error: SetFileError) => {
    assert.equal(error.code, 'SET_FILE_UNREADABLE')
    assert.match(error.message, /Cannot read set file "\/nonexistent\/set": ENOENT/)
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOENT')
    return true
  })
})
