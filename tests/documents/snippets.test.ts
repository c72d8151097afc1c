import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allSnippets } from '../../tools/docs/documents.ts'
import { trialOf, trySnippet } from '../../tools/docs/try-snippet.ts'

for (const snippet of allSnippets('.')) {
  const trial = trialOf(snippet)
  if (trial === 'none') continue
  test(`${snippet.file}:${snippet.line} works (${snippet.language}, ${trial})`, async () => {
    assert.equal(await trySnippet('.', snippet), undefined)
  })
}
