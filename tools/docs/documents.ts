import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFiles } from '../find-files.ts'
import { type Snippet, snippetsOf } from './snippets.ts'

/** The documents that users read: README.md and docs/. */
export function documentsOf(root: string): string[] {
  return findFiles(root, (path) => path === 'README.md' || /^docs\/.*\.md$/.test(path))
}

/** All code blocks of the documents. */
export function allSnippets(root: string): Snippet[] {
  return documentsOf(root).flatMap((file) => snippetsOf(file, readFileSync(join(root, file), 'utf8')))
}
