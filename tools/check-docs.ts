import { allSnippets, documentsOf } from './docs/documents.ts'
import { brokenLinks } from './docs/links.ts'
import { trySnippet } from './docs/try-snippet.ts'

/** Links of README.md and docs/ that lead nowhere, and code blocks that do not work. */
export async function checkDocs(root: string): Promise<string[]> {
  const problems = documentsOf(root).flatMap((file) => brokenLinks(root, file))
  for (const snippet of allSnippets(root)) {
    const problem = await trySnippet(root, snippet)
    if (problem) problems.push(`${snippet.file}:${snippet.line}: ${problem}`)
  }
  return problems
}
