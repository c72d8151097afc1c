import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDocs } from './check-docs.ts'
import { anchorsOf } from './docs/links.ts'
import { snippetsOf } from './docs/snippets.ts'
import { trialOf } from './docs/try-snippet.ts'
import { temporaryTree } from './temporary-tree.ts'

const fence = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\`\n`
const check = (readme: string): Promise<string[]> =>
  checkDocs(
    temporaryTree({
      'README.md': readme,
      'docs/a.md': '# A heading, of `code`\n',
      'package.json': '{"scripts":{"demo":""}}',
    }),
  )

test('checkDocs accepts links and snippets that work', async () => {
  const text = `[a](docs/a.md) [b](docs/a.md#a-heading-of-code) [c](https://example.net/)\n${fence('ts', 'const x: number = 1')}`
  assert.deepEqual(
    await check(text + fence('sh', 'npm run demo') + fence('json', '{}') + fence('text', '[d](absent)')),
    [],
  )
})

test('checkDocs finds links to absent files and headings', async () => {
  assert.deepEqual(await check('[a](docs/b.md) [b](docs/a.md#c) <img src="d.svg">'), [
    'README.md: link to "docs/b.md": there is no docs/b.md',
    'README.md: link to "docs/a.md#c": docs/a.md has no such heading',
    'README.md: link to "d.svg": there is no d.svg',
  ])
})

test('checkDocs finds snippets that do not parse, and commands that do not exist', async () => {
  const problems = await check(
    fence('ts', 'const = 1') + fence('yaml', 'a: [1') + fence('json', '{') + fence('sh', 'npm run absent'),
  )
  assert.deepEqual(
    problems.map((problem) => problem.split(': ')[0]),
    ['README.md:1', 'README.md:4', 'README.md:7', 'README.md:10'],
  )
  assert.match(problems[3]!, /no such command: npm run absent/)
})

test('checkDocs runs what is marked, and says how it ended', async () => {
  assert.deepEqual(await check(fence('sh run', 'true')), [])
  assert.match((await check(fence('sh run', 'echo printed; exit 3; true')))[0]!, /README\.md:1: ended with 3: printed/)
  assert.match((await check(fence('sh run', 'false; true')))[0]!, /ended with 1/)
})

test('checkDocs loads configurations', async () => {
  assert.match((await check(fence('yaml', 'interfaces: [eth0]\nfirewal: {}')))[0]!, /firewal/)
})

test('trialOf runs programs that import Seawall and loads configurations', () => {
  const trial = (info: string, text: string): string => trialOf(snippetsOf('a.md', fence(info, text))[0]!)
  assert.equal(trial('ts', "import { parsePrefix } from 'seawall/net'"), 'run')
  assert.equal(trial('ts fragment', "import { parsePrefix } from 'seawall/net'"), 'parse')
  assert.equal(trial('ts', "import { defineConfig } from 'seawall'\nexport default defineConfig({})"), 'config')
  assert.equal(trial('yaml', 'interfaces: [eth0]'), 'config')
  assert.equal(trial('yaml', 'scrape_configs: []'), 'parse')
  assert.equal(trial('sh', 'true'), 'commands')
  assert.equal(trial('text', 'anything'), 'none')
})

test('snippetsOf keeps lines, marks and indented blocks', () => {
  assert.deepEqual(snippetsOf('a.md', 'text\n\n- item\n  ```ts run fast\n  const a = 1\n  ```\n'), [
    { file: 'a.md', line: 4, language: 'ts', marks: ['run', 'fast'], text: 'const a = 1' },
  ])
})

test('anchorsOf are those of headings, not of comments in code', () => {
  assert.deepEqual(anchorsOf(`# One: two\n${fence('sh', '# comment')}## Three`), ['one-two', 'three'])
})
