import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fields } from './fields.ts'
import { pairs } from './make.ts'
import { formatRule } from './print.ts'
import { parseRules } from './rule-text.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const documents = ['README.md', ...readdirSync(new URL('docs/', root)).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
)

test('docs/rules.md lists every field with its type and meaning', () => {
  const rows = [...read('docs/rules.md').matchAll(/^\| `([a-z0-9_.]+)` \| (\w[\w ]*) \| (.+) \|$/gm)]
  const listed = rows.map(([, name, type, help]) => [name, type, help]).filter(([name]) => name! in fields)
  const wanted = Object.entries(fields).map(([name, { type, help }]) => {
    return [name, type.kind === 'number' ? `${type.bits} bits` : type.kind, help]
  })
  const byName = (left: readonly unknown[], right: readonly unknown[]): number =>
    String(left[0]).localeCompare(String(right[0]))
  assert.deepEqual(listed.sort(byName), wanted.sort(byName))
})

test('docs/rules.md names every pair', () => {
  for (const pair of Object.keys(pairs)) assert.ok(read('docs/rules.md').includes(`\`${pair}\``), pair)
})

test('parseRules() reads every rule block of the documents', () => {
  const blocks = documents.flatMap((path) =>
    [...read(path).matchAll(/^```rule\n(.*?)^```$/gms)].map(([, text]) => text!),
  )
  assert.ok(blocks.length >= 4)
  for (const block of blocks) {
    const rules = parseRules(block)
    assert.ok(rules.length > 0, block)
    assert.deepEqual(parseRules(rules.map(formatRule)), rules)
  }
})

test('the error in docs/rules.md is the one that the parser gives', () => {
  const [, shown] = /^```text\n(Unknown field .*?)\n```$/ms.exec(read('docs/rules.md'))!
  assert.throws(() => parseRules('drop if udp.dstprt == 53'), { message: shown! })
})
